"""Mutates valid models, and checks that each ends in an error of ours or in the right result.

As a script, ``python tests/model_fuzz.py COUNT [SEED]`` prints how many ended how. What survives lowering
runs through the whole chain in a child process with a time limit: a native crash is found, not suffered.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flatbuffers
import numpy as np

from tflite_builder import schema, small_model, wide_model
from tinybench.errors import TinybenchError
from tinybench.mcusim.lower import lower
from tinybench.models import Model

TIMEOUT_S = 120
"""For the child as a whole: a compilation on a busy machine takes most of it."""
_SAME, _REFUSED, _DIFFERENT = 0, 3, 4
_EDGES = (0, 1, 2, 3, 4, 8, 9, 127, 128, 254, 255)


def mutations(count: int, seed: int = 0) -> Iterator[bytes]:
    """Models with some changed bytes or, every other two, with changed fields of a well-formed file."""
    random = np.random.default_rng(seed)
    originals = small_model(), wide_model()
    for index in range(count):
        original = originals[index % 2]
        yield _with_other_fields(original, random) if index % 4 > 1 else _with_other_bytes(original, random)


def _with_other_bytes(original: bytes, random: np.random.Generator) -> bytes:
    """One to four changed bytes; one in sixteen is also cut."""
    data = bytearray(original)
    for _ in range(int(random.integers(1, 5))):
        position = int(random.integers(len(data)))
        value = [random.choice(_EDGES), random.integers(256), data[position] + random.choice([-1, 1])]
        data[position] = int(value[random.integers(3)]) % 256
    return bytes(data[: random.integers(len(data))] if random.integers(16) == 0 else data)


def _with_other_fields(original: bytes, random: np.random.Generator) -> bytes:
    """One or two changed shapes, scales, options, operands, constants or operator codes."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(original, 0))
    graph = model.subgraphs[0]
    for _ in range(int(random.integers(1, 3))):
        tensor = graph.tensors[random.integers(len(graph.tensors))]
        operator = graph.operators[random.integers(len(graph.operators))]
        buffer = model.buffers[random.integers(len(model.buffers))]
        what = random.choice(["shape", "scale", "zero", "option", "option", "operand", "constant", "code"])
        if what == "shape" and len(tensor.shape):
            tensor.shape = list(tensor.shape)
            tensor.shape[random.integers(len(tensor.shape))] += random.choice([-1, 1, 2])
        elif what == "scale":
            tensor.quantization.scale = tensor.quantization.scale * random.choice(
                [1e-4, 0.1, 0.9, 2, 50, 1e5]
            )
        elif what == "zero":
            count = len(tensor.quantization.zeroPoint)
            tensor.quantization.zeroPoint = [int(random.integers(-128, 128))] * count
        elif what == "option" and operator.builtinOptions is not None:
            fields = vars(operator.builtinOptions).items()
            names = [name for name, value in fields if isinstance(value, int | float)]
            if names:
                name = names[random.integers(len(names))]
                kind = type(getattr(operator.builtinOptions, name))
                setattr(operator.builtinOptions, name, kind(random.integers(0, 4)))
        elif what == "operand":
            other = random.integers(-1, len(graph.tensors))
            operator.inputs = list(operator.inputs)
            operator.inputs[random.integers(len(operator.inputs))] = other
        elif what == "constant" and buffer.data is not None:
            changed = np.array(buffer.data, np.uint8)
            changed[random.integers(len(changed))] = random.choice(_EDGES)
            buffer.data = changed
        elif what == "code":
            operator.opcodeIndex = int(random.integers(len(model.operatorCodes)))
    packer = flatbuffers.Builder(4096)
    packer.Finish(model.Pack(packer), b"TFL3")
    return bytes(packer.Output())


def lowers(path: Path) -> bool:
    """Whether a model gets through parsing and lowering; anything but an error of ours is raised."""
    try:
        lower(Model.load(path))
    except TinybenchError:
        return False
    return True


def run_in_child(path: Path) -> str:
    """How the whole chain ended for a model: same, refused, or what went wrong."""
    command = [sys.executable, __file__, "--child", str(path)]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return "hung"
    known = {_SAME: "same", _REFUSED: "refused", _DIFFERENT: "different"}
    return known.get(done.returncode, f"crashed with {done.returncode}: {done.stderr.strip()[-300:]}")


def _child(path: Path) -> int:
    from tinybench import specs
    from tinybench.mcusim.simulate import build, simulate
    from tinybench.runners.tflm import Interpreter

    try:
        model, board = Model.load(path), specs.device("nucleo-l4r5zi")
        shape = (2, *model.input.shape[1:])
        values = np.random.default_rng(1).integers(-128, 128, shape, dtype=np.int8)
        expected = Interpreter(model).run(values)
        outputs = simulate(build(model, board), board, values).outputs
    except TinybenchError as error:
        print(error.message)
        return _REFUSED
    return _SAME if np.array_equal(outputs, expected) else _DIFFERENT


def _main(count: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(2) as pool:
        paths = []
        for index, data in enumerate(mutations(count, seed)):
            path = Path(scratch) / f"{index}.tflite"
            path.write_bytes(data)
            if lowers(path):
                paths.append(path)
        ends = Counter({"refused before lowering": count - len(paths)})
        for path, end in zip(paths, pool.map(run_in_child, paths), strict=True):
            ends[end] += 1
            if end not in ("same", "refused"):
                kept = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{path.name}"
                kept.write_bytes(path.read_bytes())
                print(f"{kept}: {end}", flush=True)
        for end, number in ends.most_common():
            print(f"{number:6} {end}")


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        sys.exit(_child(Path(sys.argv[2])))
    _main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
