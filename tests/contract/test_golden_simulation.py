"""The same cycles everywhere: one small model's firmware and counts, pinned.

A change of compiler, kernels, lowering or timing shows up here. It is then deliberate: state it in the
changelog, and write the new figures with ``python tests/contract/test_golden_simulation.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).with_name("golden_simulation.json")


def measure(folder: Path) -> dict[str, object]:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tflite_builder import small_model
    from tinybench import specs
    from tinybench.mcusim.simulate import build, simulate
    from tinybench.models import Model

    path = folder / "golden.tflite"
    path.write_bytes(small_model())
    model, board = Model.load(path), specs.device("nucleo-l4r5zi")
    built = build(model, board)
    inputs = np.arange(2 * 144, dtype=np.int64).reshape(2, 8, 6, 3).astype(np.int8)
    simulation = simulate(built, board, inputs)
    return {
        "elf_sha256": built.firmware.sha256,
        "outputs": simulation.outputs.tolist(),
        "cycles": simulation.cycles,
        "instructions": simulation.instructions,
        "layers": [layer.cycles for layer in simulation.layers],
        "stack_bytes": simulation.stack_bytes,
        "flash_bytes": simulation.flash_bytes,
        "arena_bytes": simulation.arena_bytes,
    }


def test_firmware_and_counts_are_the_pinned_ones(tmp_path: Path) -> None:
    assert measure(tmp_path) == json.loads(GOLDEN.read_text())


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        GOLDEN.write_text(json.dumps(measure(Path(scratch)), indent=2) + "\n")
