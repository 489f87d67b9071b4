"""Faults between the runner and the reference firmware: C code in QEMU at the end of a damaged line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from board_faults import own_cache, time_limit, workload
from fake_board import FakeBoard, Line, Remote
from fault_proxy import kind
from tinybench import specs
from tinybench.boards.dut import Patience
from tinybench.errors import TinybenchError
from tinybench.firmware.build import build, target
from tinybench.firmware.emulate import Machine, emulated
from tinybench.runners.base import Bench, Measurement, Setup, Workload
from tinybench.runners.board import Board

pytestmark = pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="QEMU is not installed")

PATIENCE = Patience(boot_s=0.3, answer_s=1.0, inference_s=10.0)
KINDS = (
    "lost bytes",
    "byte lost to the board",
    "noise to the board",
    "digit flipped to the board",
    "half a line",
    "lost digit of a result",
)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    task = specs.task("kws")
    elf = tmp_path_factory.mktemp("firmware") / "kws.elf"
    elf.write_bytes(build(workload().model, task, target("mps2-an386"), "uart").firmware.elf)
    with emulated(elf) as running:
        yield running


def measure(machine: Machine, folder: Path, line: Line) -> Measurement:
    remote = Remote(machine.serial)
    given = workload()
    try:
        with FakeBoard(remote, folder, line) as board:  # type: ignore[arg-type]
            bench = Bench(port=board.port, patience=PATIENCE, window_s=0.5)
            device = specs.device("qemu-mps2-an386")
            with time_limit(90):
                return Board().measure(
                    Workload(given.task, given.model, device, given.samples, Setup(bench=bench))
                )
    finally:
        remote.close()


@pytest.fixture(scope="module")
def clean(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    folder = tmp_path_factory.mktemp("clean")
    with own_cache(folder):
        return measure(machine, folder, Line())


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_line_changes_nothing(
    machine: Machine, clean: Measurement, tmp_path: Path, name: str
) -> None:
    fault = kind(name).make(Random(name))
    with own_cache(tmp_path):
        found = measure(machine, tmp_path, fault)
    assert fault.struck
    assert found.evidence["outputs.csv"] == clean.evidence["outputs.csv"]
    # The emulator counts instructions: the same work takes the same time, to some interrupts.
    each = [window.seconds / window.inferences for window in (*found.windows, *clean.windows)]
    assert max(each) == pytest.approx(min(each), rel=1e-3)


def test_a_cable_that_is_pulled_costs_nothing(machine: Machine, clean: Measurement, tmp_path: Path) -> None:
    with own_cache(tmp_path):
        with pytest.raises(TinybenchError, match="the board is gone"):
            measure(machine, tmp_path, kind("unplugged").make(Random(5)))
        found = measure(machine, tmp_path, Line())
    assert found.evidence["outputs.csv"] == clean.evidence["outputs.csv"]
