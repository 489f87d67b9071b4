"""A board in Python on a pseudo-terminal: firmware as that of MLPerf Tiny, and the line that it hangs on.

``Firmware`` is what the chip does: bytes in, lines out, with the messages, limits and order of the reference
submissions' ``internally_implemented.cpp``. Its outputs are those of the TFLite Micro interpreter. Its clock
is virtual: an inference takes ``inference_us`` of it and no real time, so that a window of ten seconds is
over in some microseconds.

``Line`` is the cable: it passes everything on. Those that do not are in ``fault_proxy``.

``FakeBoard`` serves a firmware over a line on a pseudo-terminal, in a thread. Its port is a symbolic link, as
``/dev/serial/by-id`` has them, so that a board can vanish and come back under its name or another one.
"""

from __future__ import annotations

import os
import pty
import select
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tinybench import specs
from tinybench.models import Model
from tinybench.models.reference import load_named
from tinybench.runners.tflm import Interpreter

COMMAND_BYTES: Final = 80
"""``EE_CMD_SIZE``: what is longer is cut."""
BAUD: Final = 115200
_UINT32: Final = 2**32


class Network:
    """A task's reference model behind the buffer of the serial protocol; remembers what it computed.

    The task says what ``db`` holds and what ``m-results`` prints, as the four reference submissions have it.
    """

    def __init__(self, task: str) -> None:
        spec = specs.task(task)
        assert spec.serial is not None
        self.name = spec.serial.model
        self.model: Model = load_named(spec.reference_model)
        self._input, self._output = spec.serial.input, spec.serial.output
        self.buffer_bytes = self.model.input.elements * (4 if self._input == "float32" else 1)
        self._interpreter = Interpreter(self.model)
        self._lock = threading.Lock()
        self._known: dict[bytes, NDArray[np.int8]] = {}

    def results(self, buffer: bytes) -> list[float]:
        """The values of ``m-results`` for what the buffer holds."""
        model = self.model
        tensor, features = self._tensor(buffer)
        with self._lock:
            if buffer not in self._known:
                self._known[buffer] = self._interpreter.run(tensor.reshape(1, *model.input.shape[1:]))[0]
            output = self._known[buffer]
        real = model.output.scale * (output.astype(np.float64) - model.output.zero_point)
        if self._output == "tensor":
            return [float(value) for value in real]
        return [float(np.mean((features - real) ** 2))]

    def _tensor(self, buffer: bytes) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """The int8 input, and what it was quantised from where the buffer holds that."""
        none = np.empty(0, np.float32)
        if self._input == "int8":
            return np.frombuffer(buffer, np.int8), none
        if self._input == "uint8":
            return (np.frombuffer(buffer, np.uint8).astype(np.int16) - 128).astype(np.int8), none
        features = np.frombuffer(buffer, "<f4")
        quantum = self.model.input
        with np.errstate(all="ignore"):
            steps = np.nan_to_num(np.round(features / np.float32(quantum.scale))) + quantum.zero_point
        return np.clip(steps, -128, 127).astype(np.int8), features


@cache
def network(task: str) -> Network:
    """The network of a task, made once."""
    return Network(task)


@dataclass
class World:
    """What a meter can see of a board: time that nothing resets, edges of its pin, and when it computed."""

    now_s: float = 0.0
    edges_s: list[float] = field(default_factory=list)
    active_s: list[tuple[float, float]] = field(default_factory=list)
    """Begin and end of the inferences of each window."""


@dataclass
class Firmware:
    """The chip: takes the bytes that arrive and gives the lines that it says, each with its line end."""

    network: Network
    world: World = field(default_factory=World)
    mode: Literal["performance", "energy"] = "performance"
    vendor: str = "Fake Boards"
    inference_us: int = 40_000
    """What one inference takes; windows differ from it by ``jitter_us`` at most, in a fixed order."""
    jitter_us: int = 3
    clock_us: int = 2**32 - 25_000_000
    """What the counter starts from: it passes its end in the third window of ten seconds."""
    echoes: bool = False
    line_end: bytes = b"\r\n"
    paced: bool = False
    """Whether the timed part of a window takes its time, as on a real board; else it is over at once."""
    overhead_us: int = 900
    """What a command takes beside inferences."""
    sleep: Callable[[float], object] = time.sleep
    on_edge: Callable[[int], None] | None = None
    """Told the counter at each falling edge of the pin, in energy mode."""
    on_active: Callable[[int], None] | None = None
    """Told for how many microseconds it computes, between the two edges of a window."""

    boots: int = 0
    inferences: int = 0
    """How many this board ever did: what tells a run that goes on from one that starts again."""
    windows: list[int] = field(default_factory=list)
    """Iterations of each complete ``infer``."""

    def __post_init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.computing = False
        self._typed = bytearray()
        self._buffer = bytearray(self.network.buffer_bytes)
        self._size = self._at = 0
        self._counter = self.clock_us

    def boot(self) -> Iterator[bytes]:
        """Power on, or reset: all that it held is gone."""
        self.boots += 1
        self._clear()
        yield from self._say(f"m-timestamp-mode-{self.mode}", "m-init-done", "m-ready")

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Bytes from the host; a command is carried out as its lines are taken."""
        for byte in data:
            if byte != ord("%"):
                if len(self._typed) < COMMAND_BYTES:
                    self._typed.append(byte)
                continue
            command = self._typed.decode("latin-1")
            self._typed.clear()
            if self.echoes:
                yield command.encode("latin-1")
            yield from self._obey(command)
            yield from self._say("m-ready")

    def _obey(self, command: str) -> Iterator[bytes]:
        self._pass(self.overhead_us)
        words = command.split(" ")
        words = [word for word in words if word] or [""]
        match words[0]:
            case "name":
                yield from self._say(f"m-name-dut-[{self.vendor}]")
            case "profile":
                yield from self._say(
                    "m-profile-[ULPMark for tinyML Firmware V0.0.1]", f"m-model-[{self.network.name}]"
                )
            case "timestamp":
                yield from self._timestamp()
            case "results":
                yield from self._results()
            case "db":
                yield from self._db(words[1:])
            case "infer":
                yield from self._infer(words[1:])
            case _:
                yield from self._say(f"e-[Unknown command: {words[0]}]")

    def _db(self, words: list[str]) -> Iterator[bytes]:
        match words:
            case []:
                yield from self._say("e-[Command 'db' requires a subcommand]")
            case ["load"]:
                yield from self._say("e-[Command 'db load' requires the # of bytes]")
            case ["load", count, *_]:
                size = _atoi(count)
                if size == 0:
                    yield from self._say("e-[Command 'db load' must be >0 bytes]")
                elif size > len(self._buffer) or size < 0:
                    yield from self._say(
                        f"Supplied buffer size {size} exceeds maximum of {len(self._buffer)}"
                    )
                else:
                    self._size, self._at = size, 0
                    yield from self._say(f"m-[Expecting {size} bytes]")
            case ["print", *_]:
                for start in range(0, self._size, 8):
                    part = self._buffer[start : min(start + 8, self._size)]
                    yield from self._say("m-buffer-" + part.hex("-"))
            case [digits, *_]:
                yield from self._hex(digits)

    def _hex(self, digits: str) -> Iterator[bytes]:
        if len(digits) % 2:
            yield from self._say("e-[Insufficent number of hex digits]")
            return
        for start in range(0, len(digits), 2):
            pair = digits[start : start + 2]
            if any(digit not in "0123456789abcdefABCDEF" for digit in pair):
                yield from self._say(f"e-[Invalid hex digit '{pair}']")
                return
            if self._at < len(self._buffer):
                self._buffer[self._at] = int(pair, 16)
            self._at += 1
            if self._at == self._size:
                yield from self._say("m-load-done")
                return

    def _infer(self, words: list[str]) -> Iterator[bytes]:
        count = _atoi(words[0]) if words else 1
        warmups = _atoi(words[1]) if len(words) > 1 else 10
        if count <= 0:
            yield from self._say("e-[Inference iterations must be >0]")
            return
        if warmups < 0:
            yield from self._say("e-[Inference warmup must be >=0]")
            return
        yield from self._say(f"m-warmup-start-{warmups}")
        self._pass(warmups * self.inference_us)
        yield from self._say("m-warmup-done", f"m-infer-start-{count}")
        self.computing = True
        yield from self._timestamp()
        began = self.world.now_s
        takes_us = count * self.inference_us + len(self.windows) * 7 % (self.jitter_us + 1)
        if self.paced:
            self.sleep(takes_us / 1e6)
        self._pass(takes_us)
        if self.on_active is not None:
            self.on_active(takes_us)
        self.inferences += warmups + count
        self.world.active_s.append((began, self.world.now_s))
        yield from self._timestamp()
        self.computing = False
        self.windows.append(count)
        yield from self._say("m-infer-done")
        yield from self._results()

    def _timestamp(self) -> Iterator[bytes]:
        if self.mode == "performance":
            yield from self._say(f"m-lap-us-{self._counter}")
        else:
            self.world.edges_s.append(self.world.now_s)
            if self.on_edge is not None:
                self.on_edge(self._counter)

    def _results(self) -> Iterator[bytes]:
        values = self.network.results(bytes(self._buffer))
        yield from self._say("m-results-[" + ",".join(f"{value:0.3f}" for value in values) + "]")

    def _pass(self, us: int) -> None:
        self._counter = (self._counter + us) % _UINT32
        self.world.now_s += us / 1e6

    def _say(self, *texts: str) -> Iterator[bytes]:
        for text in texts:
            yield text.encode("latin-1") + self.line_end


def _atoi(text: str) -> int:
    """As C reads a number: what is none is 0."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    length = next((at for at, char in enumerate(digits) if not char.isdecimal()), len(digits))
    return int(digits[:length] or 0) * (-1 if text.startswith("-") else 1)


class Interruption(Exception):  # noqa: N818 - no error: what happens to a board
    """Ends whatever the board is saying."""


class Silence(Interruption):
    """The board says nothing more and hears nothing more."""


class Reset(Interruption):
    """The board starts again."""


@dataclass
class Unplug(Interruption):
    """The cable is pulled; ``again_s`` later it is plugged in, under ``name``. None: it stays out."""

    again_s: float | None = None
    name: str | None = None


class Line:
    """The cable, and what else is between a board and a host: this one passes everything on at once.

    Its methods may raise ``Silence``, ``Reset`` or ``Unplug``.
    """

    def to_board(self, data: bytes) -> bytes:
        """What reaches the board of what the host wrote."""
        return data

    def to_host(self, data: bytes) -> Iterator[bytes]:
        """What reaches the host of a line that the board said, in pieces."""
        yield data

    def wait_s(self) -> float:
        """How long the board takes before it says the next line, in real time."""
        return 0.0

    def edges(self, counter: int) -> list[int]:
        """What reaches the other end of the pin's wire of one falling edge."""
        return [counter]

    def heard(self, baud: int | None) -> None:
        """Told before each transfer at which speed the host is; None if it is no usual one."""


class FakeBoard:
    """A firmware, served on a pseudo-terminal while the ``with`` block lasts.

    ``port`` is a link in ``folder``. In energy mode its pin is wired to ``pin``, which is told the counter at
    each falling edge; else to a second port, ``pin_port``, as QEMU has it: each edge is a line there.
    """

    def __init__(
        self,
        firmware: Firmware,
        folder: Path,
        line: Line | None = None,
        name: str = "ttyACM0",
        pin: Callable[[int], None] | None = None,
    ) -> None:
        self.firmware, self.line = firmware, line or Line()
        self._folder, self._name = folder, name
        self._master = self._slave = -1
        self._wired = pin
        self._pin = self._pin_slave = -1
        self._wake_in, self._wake_out = os.pipe()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        firmware.sleep = self._stop.wait
        self.broke: BaseException | None = None
        """What went wrong in the thread: a mistake in the tests themselves."""
        self.said = bytearray()
        """All that went to the host."""
        self.heard = bytearray()
        """All that came from it."""

    @property
    def port(self) -> str:
        """Path of the port."""
        return str(self._folder / self._name)

    @property
    def pin_port(self) -> str:
        """Path of the port on which edges are lines."""
        return str(self._folder / "pin")

    def __enter__(self) -> FakeBoard:
        self._plug(self._name)
        if self.firmware.mode == "energy":
            if self._wired is None:
                self._pin, self._pin_slave = _open(self._folder / "pin")
            self.firmware.on_edge = self._edge
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        os.write(self._wake_out, b"x")
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._unplug()
        for fd in (self._pin, self._pin_slave, self._wake_in, self._wake_out):
            if fd >= 0:
                os.close(fd)
        if self.broke is not None:
            raise self.broke

    def _plug(self, name: str) -> None:
        self._master, self._slave = _open(self._folder / name)
        self._name = name

    def _edge(self, counter: int) -> None:
        for edge in self.line.edges(counter):
            if self._wired is None:
                os.write(self._pin, b"%d\r\n" % edge)
            else:
                self._wired(edge)

    def _unplug(self) -> None:
        """As the kernel does it: the name is gone, and who had it open reads its end."""
        Path(self.port).unlink(missing_ok=True)
        for fd in (self._slave, self._master):
            if fd >= 0:
                os.close(fd)
        self._master = self._slave = -1

    def _serve(self) -> None:
        try:
            self._live()
        except BaseException as error:
            self.broke = error

    def _live(self) -> None:
        todo = self.firmware.boot()
        while not self._stop.is_set():
            try:
                self._work(todo)
                data = self._read()
                self.heard += data
                self.line.heard(self._baud())
                todo = self.firmware.receive(self.line.to_board(data))
            except Reset:
                todo = self.firmware.boot()
            except Silence:
                self._stop.wait()
            except Unplug as pulled:
                self._unplug()
                todo = iter(())
                if pulled.again_s is None:
                    self._stop.wait()
                elif not self._stop.wait(pulled.again_s):
                    self._plug(pulled.name or self._name)
                    todo = self.firmware.boot()

    def _work(self, todo: Iterator[bytes]) -> None:
        """Say what there is to say."""
        for line in todo:
            pause_s = self.line.wait_s()
            if pause_s and self._stop.wait(pause_s):
                return
            self.line.heard(self._baud())
            for piece in self.line.to_host(line):
                self._write(piece)
                if self._stop.is_set():
                    return

    def _read(self) -> bytes:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._master, self._wake_in], [], [])
            if self._master in ready:
                with suppress(BlockingIOError):
                    return os.read(self._master, 4096)
        return b""

    def _write(self, data: bytes) -> None:
        self.said += data
        while data and not self._stop.is_set():
            _, ready, _ = select.select([self._wake_in], [self._master], [])
            if ready:
                with suppress(BlockingIOError):
                    data = data[os.write(self._master, data) :]

    def _baud(self) -> int | None:
        """The speed that the host has set: a pseudo-terminal passes it on."""
        return _SPEEDS.get(termios.tcgetattr(self._master)[5])


def _open(link: Path) -> tuple[int, int]:
    """A pseudo-terminal as a serial port is: raw, at 115200 baud, with a name."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    settings = termios.tcgetattr(slave)
    settings[4] = settings[5] = termios.B115200
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    os.set_blocking(master, False)
    link.unlink(missing_ok=True)
    link.symlink_to(os.ttyname(slave))
    return master, slave


_SPEEDS: Final[dict[Any, int]] = {
    getattr(termios, f"B{baud}"): baud
    for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}


class Remote:
    """A board elsewhere, behind a port of its own, in the place of a ``Firmware``; it cannot be reset."""

    def __init__(self, port: str, answer_s: float = 30.0) -> None:
        self._port, self._answer_s = port, answer_s
        self._line = -1
        self._rest = b""
        self.windows: list[int] = []
        self.mode = "performance"
        self.sleep: Callable[[float], object] = time.sleep

    def boot(self) -> Iterator[bytes]:
        """It is up already; what it said until now is for nobody."""
        self._line = os.open(self._port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._line)
        while select.select([self._line], [], [], 0.2)[0]:
            os.read(self._line, 4096)
        yield from ()

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Pass bytes on; for each command, the lines up to the one that says that it is done."""
        os.write(self._line, data)
        for _ in range(data.count(b"%")):
            while True:
                line = self._next()
                if line.startswith(b"m-infer-done"):
                    self.windows.append(1)
                yield line
                if line.strip() in (b"m-ready", b""):
                    break

    def _next(self) -> bytes:
        while b"\n" not in self._rest:
            if not select.select([self._line], [], [], self._answer_s)[0]:
                return b""
            self._rest += os.read(self._line, 4096)
        line, _, self._rest = self._rest.partition(b"\n")
        return line + b"\n"

    def close(self) -> None:
        """Let go of its port."""
        if self._line >= 0:
            os.close(self._line)
