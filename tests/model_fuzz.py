"""Mutates valid models, and checks that each ends in an error of ours or in the right result.

As a script (``make fuzz``), ``python tests/model_fuzz.py COUNT [SEED]`` prints how many ended how, and exits
with 1 if any ended in a crash, a hang or a wrong result; such models are kept. What can be loaded runs
through the interpreter and the simulator in a child process, so that a native crash is found and not
suffered. A hang is more than ``CPU_S`` seconds of processor time, of whatever process: that does not depend
on how busy the machine is.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from types import FrameType

import flatbuffers
import numpy as np

from tflite_builder import schema, small_model, wide_model
from tinybench.errors import TinybenchError
from tinybench.models import Model

CPU_S = 10
"""More than five times what a child needs that compiles, runs and compares such a model."""
PATIENCE_S = 600
"""Wall-clock time after which a child that uses no processor time counts as hung."""

REFUSED_AT_LOAD, REFUSED, SAME, DIFFERENT, HUNG, CRASHED = (
    "refused on loading",
    "refused later",
    "right result",
    "wrong result",
    "hung",
    "crashed",
)
GOOD = (REFUSED_AT_LOAD, REFUSED, SAME)

_REFERENCE = Path(__file__).parent.parent / "reference_models/kws/kws_dscnn_int8.tflite"
_EXITS = {0: SAME, 3: REFUSED, 4: DIFFERENT}
_EDGES = (0, 1, 2, 3, 4, 8, 9, 127, 128, 254, 255)
_WORDS = (0, 1, 4, 2**16, 2**31 - 4, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1)


def mutations(count: int, seed: int = 0) -> Iterator[bytes]:
    """Mutated models: by turns of a few operators, of all, and the reference model for keywords.

    By turns, too, bytes anywhere, words of the file's structure, or fields of a well-formed file change.
    """
    random = np.random.default_rng(seed)
    originals = small_model(), wide_model(), _REFERENCE.read_bytes()
    kinds = _with_other_bytes, _with_other_words, _with_other_fields
    for index in range(count):
        yield kinds[index // len(originals) % len(kinds)](originals[index % len(originals)], random)


def _with_other_bytes(original: bytes, random: np.random.Generator) -> bytes:
    """One to four changed bytes; one in sixteen is also cut."""
    data = bytearray(original)
    for _ in range(int(random.integers(1, 5))):
        position = int(random.integers(len(data)))
        value = [random.choice(_EDGES), random.integers(256), data[position] + random.choice([-1, 1])]
        data[position] = int(value[random.integers(3)]) % 256
    return bytes(data[: random.integers(len(data))] if random.integers(16) == 0 else data)


def _with_other_words(original: bytes, random: np.random.Generator) -> bytes:
    """One or two changed offsets, lengths, table entries or numbers; what constants hold stays."""
    words = np.frombuffer(original[: len(original) // 4 * 4], "<u4").copy()
    places = np.flatnonzero(~_is_constant(original))
    for _ in range(int(random.integers(1, 3))):
        place, other = random.choice(places), random.choice(places)
        near = int(words[place]) + 4 * int(random.integers(-4, 5))
        halves = int(words[place]) ^ (int(random.integers(1, 64)) << (16 * int(random.integers(2))))
        value = (int(random.choice(_WORDS)), int(words[other]), near, halves, len(original))
        words[place] = value[random.integers(len(value))] % 2**32
    return words.tobytes() + original[len(words) * 4 :]


def _is_constant(original: bytes) -> np.ndarray:
    """Of each word, whether a buffer's data covers it."""
    covered = np.zeros(len(original) // 4, bool)
    model = schema.Model.GetRootAs(original, 0)
    for buffer in (model.Buffers(i) for i in range(model.BuffersLength())):
        if buffer.DataLength():
            start = buffer._tab.Vector(buffer._tab.Offset(4))
            covered[-(-start // 4) : (start + buffer.DataLength()) // 4] = True
    return covered


def _with_other_fields(original: bytes, random: np.random.Generator) -> bytes:
    """One or two changed shapes, scales, options, operands, constants or operator codes."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(original, 0))
    graph = model.subgraphs[0]
    for _ in range(int(random.integers(1, 3))):
        tensor = graph.tensors[random.integers(len(graph.tensors))]
        operator = graph.operators[random.integers(len(graph.operators))]
        buffer = model.buffers[random.integers(len(model.buffers))]
        what = random.choice(
            ["shape", "size", "scale", "zero", "option", "option", "operand", "constant", "code"]
        )
        if what == "shape" and len(tensor.shape):
            tensor.shape = list(tensor.shape)
            tensor.shape[random.integers(len(tensor.shape))] += random.choice([-1, 1, 2])
        elif what == "size":  # of all activations: the graph stays consistent where it can
            factor = int(random.choice([2, 16, 256, 4096]))
            for each in graph.tensors:
                if len(each.shape) == 4 and model.buffers[each.buffer].data is None:
                    each.shape = [each.shape[0], min(int(each.shape[1]) * factor, 2**31 - 1), *each.shape[2:]]
        elif what == "scale" and tensor.quantization.scale is not None:
            tensor.quantization.scale = tensor.quantization.scale * random.choice(
                [1e-4, 0.1, 0.9, 2, 50, 1e5]
            )
        elif what == "zero" and tensor.quantization.zeroPoint is not None:
            count = len(tensor.quantization.zeroPoint)
            tensor.quantization.zeroPoint = [int(random.integers(-128, 128))] * count
        elif what == "option" and operator.builtinOptions is not None:
            fields = vars(operator.builtinOptions).items()
            names = [name for name, value in fields if isinstance(value, int | float)]
            if names:
                name = names[random.integers(len(names))]
                kind = type(getattr(operator.builtinOptions, name))
                value = (
                    random.integers(0, 4)
                    if random.integers(4)
                    else random.choice([-1, 255, 2**15, 2**31 - 1])
                )
                setattr(operator.builtinOptions, name, kind(value))
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
    try:
        packer.Finish(model.Pack(packer), b"TFL3")
    except TypeError:  # an option that its field cannot hold
        return original
    return bytes(packer.Output())


def load(path: Path) -> tuple[str, str] | None:
    """How a model ended on loading, and what was said of it; None if it was loaded."""
    try:
        with _cpu_limit():
            Model.load(path)
    except TinybenchError:
        return REFUSED_AT_LOAD, ""
    except _OutOfTimeError:
        return HUNG, "on loading"
    except Exception as error:
        return CRASHED, f"on loading: {error!r}"
    return None


class _OutOfTimeError(Exception):
    pass


@contextmanager
def _cpu_limit() -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise _OutOfTimeError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def run_in_child(path: Path) -> tuple[str, str]:
    """How the whole chain ended for a model that can be loaded, and what was said of a crash."""
    command = [sys.executable, __file__, "--child", str(path)]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdout=said, stderr=said, env=environment, start_new_session=True)
        watch = Timer(PATIENCE_S, os.killpg, (child.pid, signal.SIGKILL))
        watch.start()
        _, status, usage = os.wait4(child.pid, 0)
        watch.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        message = said.read().decode("utf-8", "replace").strip()[-300:]
    # With what the compiler used, which the child waited for.
    if usage.ru_utime + usage.ru_stime > CPU_S or child.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return HUNG, f"{usage.ru_utime + usage.ru_stime:.1f} s of processor time"
    end = _EXITS.get(child.returncode, CRASHED)
    return end, f"exit {child.returncode}: {message}" if end == CRASHED else ""


def _child(path: Path) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))

    from tinybench import specs
    from tinybench.mcusim.simulate import build, simulate
    from tinybench.runners.tflm import Interpreter

    try:
        model, board = Model.load(path), specs.device("nucleo-l4r5zi")
        shape = (2, *model.input.shape[1:])
        values = np.random.default_rng(1).integers(-128, 128, shape, dtype=np.int8)
        interpreter, built = Interpreter(model), build(model, board)
        expected, outputs = interpreter.run(values), simulate(built, board, values).outputs
    except TinybenchError as error:
        print(error.message)
        return 3
    return 0 if np.array_equal(outputs, expected) else 4


def _main(count: int, seed: int) -> int:
    ends = Counter(dict.fromkeys((*GOOD, DIFFERENT, HUNG, CRASHED), 0))
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:
        paths, loading = [], []
        for index, data in enumerate(mutations(count, seed)):
            paths.append(Path(scratch) / f"{index}.tflite")
            paths[-1].write_bytes(data)
            loading.append(load(paths[-1]))
        running = pool.map(run_in_child, [p for p, end in zip(paths, loading, strict=True) if end is None])
        for path, ended in zip(paths, loading, strict=True):
            end, message = ended or next(running)
            ends[end] += 1
            if end not in GOOD:
                kept = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{path.name}"
                kept.write_bytes(path.read_bytes())
                print(f"{kept}: {end}: {message}", flush=True)
    for end, number in ends.items():
        print(f"{number:6} {end}")
    return int(any(ends[end] for end in (DIFFERENT, HUNG, CRASHED)))


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        sys.exit(_child(Path(sys.argv[2])))
    sys.exit(_main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
