"""The reference firmware as QEMU runs it, asked over its pseudo-terminals: outputs, edges, clock, garbage."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tinybench import specs
from tinybench.boards import messages
from tinybench.firmware.build import build, target
from tinybench.firmware.configuration import Timestamps
from tinybench.firmware.emulate import Machine, emulated
from tinybench.models import Model
from tinybench.models.reference import load_named
from tinybench.runners.tflm import Interpreter

pytestmark = pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="QEMU is not installed")

READY = b"m-ready\r\n"
SECONDS = 60
WINDOW = 3


class Line:
    """One end of a pseudo-terminal, without any help."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def close(self) -> None:
        os.close(self._file)

    def read_until(self, end: bytes) -> bytes:
        said, until = b"", time.monotonic() + SECONDS
        while not said.endswith(end):
            ready, _, _ = select.select([self._file], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"nothing more after {said[-200:]!r}"
            said += self.read()
        return said

    def read(self) -> bytes:
        """What is there."""
        return os.read(self._file, 65536)

    def ask(self, command: bytes) -> list[messages.Message]:
        os.write(self._file, command)
        said = self.read_until(READY).decode("ascii")
        return [messages.parse(line) for line in said.split("\r\n")[:-1]]

    def load(self, data: bytes) -> None:
        assert self.ask(b"db load %d%%" % len(data)) == [messages.Expecting(len(data)), messages.Ready()]
        for at in range(0, len(data), 31):
            last = self.ask(b"db " + data[at : at + 31].hex().encode() + b"%")
        assert last == [messages.LoadDone(), messages.Ready()]

    def window(self, count: int, warmup: int = 0) -> tuple[list[int], tuple[float, ...]]:
        """Laps and results."""
        said = self.ask(b"infer %d %d%%" % (count, warmup))
        laps = [message.us for message in said if isinstance(message, messages.Lap)]
        (results,) = (message.values for message in said if isinstance(message, messages.Results))
        return laps, results


@contextmanager
def lines(elf: Path, icount_shift: int = 5) -> Iterator[tuple[Line, Line, Machine]]:
    with emulated(elf, icount_shift=icount_shift) as machine:
        serial, pin = Line(machine.serial), Line(machine.pin)
        try:
            serial.read_until(READY)
            yield serial, pin, machine
        finally:
            serial.close()
            pin.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("firmware")


def made(folder: Path, task: str, timestamps: Timestamps = "uart") -> tuple[Path, Model]:
    spec = specs.task(task)
    model = load_named(spec.reference_model)
    path = folder / f"{task}-{timestamps}.elf"
    if not path.exists():
        path.write_bytes(build(model, spec, target("mps2-an386"), timestamps).firmware.elf)
    return path, model


def inputs(model: Model, count: int) -> np.ndarray:
    shape = (count, *model.input.shape[1:])
    return np.random.default_rng(7).integers(-128, 128, shape, dtype=np.int8)


@pytest.mark.parametrize(("task", "flipped"), [("kws", 0), ("vww", 128), ("ic", 128)])
def test_outputs_are_those_of_the_interpreter_bit_for_bit(folder: Path, task: str, flipped: int) -> None:
    elf, model = made(folder, task)
    given = inputs(model, 2)
    expected = Interpreter(model).run(given)
    with lines(elf) as (serial, _, _):
        for data, outputs in zip(given, expected, strict=True):
            serial.load(bytes(data.view(np.uint8).ravel() ^ flipped))
            _, results = serial.window(WINDOW)  # the last of them, which has to see the input as well
            found = np.rint(np.array(results) / model.output.scale) + model.output.zero_point
            np.testing.assert_array_equal(found, outputs)
            steps = (int(q) - model.output.zero_point for q in outputs)
            assert results == tuple(float(f"{step * model.output.scale:.3f}") for step in steps)


def test_the_error_of_an_autoencoder_is_that_of_the_host_to_the_last_digit(folder: Path) -> None:
    from tinybench.datasets import ad

    elf, model = made(folder, "ad")
    features = np.random.default_rng(3).normal(-30, 20, (3, model.input.elements)).astype("<f4")
    quantised = ad.quantize(features, model.input.scale, model.input.zero_point)
    outputs = Interpreter(model).run(quantised)
    scale, zero_point = Fraction(model.output.scale), model.output.zero_point
    with lines(elf) as (serial, _, _):
        for given, got in zip(features, outputs, strict=True):
            serial.load(given.tobytes())
            _, results = serial.window(WINDOW)
            pairs = zip(given.tolist(), got.tolist(), strict=True)
            exact = sum((Fraction(x) - scale * (q - zero_point)) ** 2 for x, q in pairs) / len(given)
            assert results == (float(f"{float(exact):.3f}"),)


def test_a_latency_is_the_same_each_time(folder: Path) -> None:
    elf, model = made(folder, "kws")
    seen = set()
    for _ in range(2):
        with lines(elf) as (serial, _, _):
            serial.load(bytes(model.input.elements))
            (first, last), _ = serial.window(2)
            seen.add((last - first) % 2**32)
    assert max(seen) - min(seen) <= 1  # a microsecond is 31 instructions


def test_the_clock_goes_on_when_the_timer_wraps(folder: Path) -> None:
    """The timer wraps every 100 s; at 1024 ns an instruction, that is little work."""
    elf, model = made(folder, "kws")
    with lines(elf, icount_shift=10) as (serial, _, _):
        serial.load(bytes(model.input.elements))
        (first, last), _ = serial.window(1)
        single = last - first
        count = 210_000_000 // single
        (first, last), _ = serial.window(count)
    assert first < last  # modulo 2^32 us, which is over an hour
    assert last - first > 200_000_000
    assert (last - first) / count == pytest.approx(single, rel=1e-4)


@pytest.mark.parametrize(("timestamps", "mode"), [("both", "performance"), ("pin", "energy")])
def test_each_edge_of_the_pin_is_a_line_with_its_time(
    folder: Path, timestamps: Timestamps, mode: str
) -> None:
    elf, model = made(folder, "kws", timestamps)
    with emulated(elf) as machine:
        serial, pin = Line(machine.serial), Line(machine.pin)
        boot = serial.read_until(READY).decode()
        assert f"m-timestamp-mode-{mode}\r\n" in boot
        serial.ask(b"timestamp%")
        serial.load(bytes(model.input.elements))
        laps, _ = serial.window(2)
        edges = [int(line) for line in pin.read().split()]  # before the answer that ended the window
        serial.close()
        pin.close()
    assert len(edges) >= 3  # that of the boot is lost if nobody listened yet
    assert edges == sorted(edges)
    first, last = edges[-2:]
    assert 400_000 < last - first < 1_000_000
    if timestamps == "both":
        assert abs(laps[0] - first) <= 2
        assert abs(laps[1] - last) <= 2
    else:
        assert laps == []


def test_it_survives_garbage(folder: Path) -> None:
    elf, _ = made(folder, "kws")
    rng = random.Random(11)
    with lines(elf) as (serial, _, _):
        for _ in range(20):
            noise = bytes(byte for byte in rng.randbytes(300) if byte != ord("%"))
            answer = serial.ask(noise + b"%")
            assert [type(message) for message in answer] == [messages.DeviceError, messages.Ready]
        assert serial.ask(b"name%")[0] == messages.Name("tinybench qemu-mps2-an386")


def test_pyserial_opens_it(folder: Path) -> None:
    serial = pytest.importorskip("serial", reason="pyserial is not installed")
    elf, _ = made(folder, "kws")
    with emulated(elf) as machine, serial.Serial(machine.serial, 115_200, timeout=SECONDS) as port:
        port.write(b"name%")
        answer = b"m-name-dut-[tinybench qemu-mps2-an386]\r\n" + READY
        assert port.read_until(answer).endswith(answer)


def test_a_board_that_waits_for_a_byte_sleeps(folder: Path) -> None:
    """Two cores run these tests: an idle board must not take one of them."""
    elf, _ = made(folder, "kws")
    with lines(elf) as (serial, _, machine):
        serial.ask(b"name%")
        emulator = os.pidfd_open(machine.process.pid)
        before = ticks(machine.process.pid)
        select.select([emulator], [], [], 1.0)  # it does not end: a second of nothing to do
        os.close(emulator)
        assert ticks(machine.process.pid) - before < 0.2 * os.sysconf("SC_CLK_TCK")


def ticks(pid: int) -> int:
    """Time that a process has had of the processors, in ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_the_emulator_ends_with_the_block(folder: Path) -> None:
    elf, _ = made(folder, "kws")
    with pytest.raises(RuntimeError, match="on purpose"), emulated(elf) as machine:
        raise RuntimeError("on purpose")
    assert machine.process.poll() is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_command_line_runs_until_it_is_ended(folder: Path, number: signal.Signals) -> None:
    elf, _ = made(folder, "kws")
    command = [sys.executable, "-m", "tinybench", "firmware", "emulate", str(elf), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            text += process.stdout.readline()
        told = json.loads(text)
        line, emulator = Line(told["serial"]), os.pidfd_open(told["pid"])
        assert line.ask(b"name%")[-1] == messages.Ready()
        line.close()
        process.send_signal(number)
        _, errors = process.communicate(timeout=SECONDS)
    codes = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
    assert process.returncode == codes[number]
    assert ("interrupted" in errors) == (number == signal.SIGINT)
    ended, _, _ = select.select([emulator], [], [], SECONDS)
    os.close(emulator)
    assert ended
