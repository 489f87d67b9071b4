"""The witness without QEMU: what is said when it is missing or breaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tflite_builder import small_model
from tinybench import specs
from tinybench.errors import SimulationError, ToolchainError
from tinybench.mcusim import witness
from tinybench.mcusim.witness import MACHINES, WitnessBuild, build_witness, observe
from tinybench.models import Model


@pytest.fixture
def built(tmp_path: Path) -> WitnessBuild:
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return build_witness(Model.load(path), specs.device("nucleo-l4r5zi"))


def fake_qemu(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / witness.QEMU
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_missing_qemu_names_its_package(
    built: WitnessBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="qemu-system-arm is not installed") as caught:
        observe(built, np.zeros((1, 8, 6, 3), np.int8))
    assert "install the package qemu-system-arm" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 'no such machine' >&2; exit 1", "under QEMU: no such machine"),
        ("exit 5", "under QEMU: the core faulted"),
        ("exit 77", "under QEMU: exit code 77"),
        ("printf 'aaaa' > answer", "QEMU answered 0 of 1 inputs"),
        (r"printf 'aaaabbbb\001\000\000\000outp' > answer", "a kernel returned an error status"),
    ],
)
def test_whatever_goes_wrong_is_an_error(
    built: WitnessBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    fake_qemu(tmp_path, monkeypatch, script)
    with pytest.raises(SimulationError, match=says):
        observe(built, np.zeros((1, 8, 6, 3), np.int8))


def test_ticks_become_instructions(
    built: WitnessBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 10 ticks for the function of one instruction; 65 more are 10.2 instructions of 6.4 ticks.
    answer = np.array([10, 75, 0], "<u4").tobytes() + bytes([1, 2, 3, 255])
    (tmp_path / "canned").write_bytes(answer)
    fake_qemu(tmp_path, monkeypatch, f"cat {tmp_path}/canned > answer")
    observed = observe(built, np.zeros((1, 8, 6, 3), np.int8))
    assert observed.instructions == (11,)
    assert observed.outputs.tolist() == [[1, 2, 3, -1]]


def test_each_timer_resolves_single_instructions() -> None:
    for machine in MACHINES.values():
        ticks = 2**witness.ICOUNT_SHIFT * machine.timer_hz / 1e9
        assert ticks > 4  # two differences, each right to one tick, stay below half an instruction


def test_the_witness_runs_the_model_and_kernels_of_the_device(built: WitnessBuild) -> None:
    from tinybench.mcusim import toolchain
    from tinybench.mcusim.elf import read_image

    image = read_image(built.firmware.elf)
    assert built.firmware.flags == toolchain.ZIG.flags("cortex-m4")
    assert image.text_base == MACHINES["cortex-m4"].flash_base
    assert "run" in image.symbols
    assert "tinybench_halt" not in image.symbols
