"""Run firmware for QEMU's mps2-an386, its two serial lines on pseudo-terminals.

QEMU counts instructions (``-icount``): while the core works, its clock moves by 2**ICOUNT_SHIFT ns with each
instruction, whatever the host takes for it. So a latency is the same on every host, and it is none of any
hardware: no cycle, no memory and no cache is modelled. While the core sleeps until a byte comes, the clock
follows the host's.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NoReturn

from tinybench.errors import SimulationError, ToolchainError, UsageError
from tinybench.mcusim.witness import QEMU, qemu

MACHINE: Final = "mps2-an386"
ICOUNT_SHIFT: Final = 5
"""An instruction takes 32 ns, as on a core that executes 31 million in a second."""

_PORTS: Final = re.compile(rb"char device redirected to (\S+) \(label serial(\d)\)")
_ENDING_S: Final = 10
_PR_SET_PDEATHSIG: Final = 1
"""prctl(2), linux/prctl.h."""


@dataclass(frozen=True)
class Machine:
    """An emulated board that runs."""

    serial: str
    """Path of the pseudo-terminal that carries the protocol."""
    pin: str
    """Path of the one that carries a line for each falling edge of the pin: microseconds, in decimal.

    Edges are lost while nobody has it open; the firmware stands still while whoever has it open does not
    read.
    """
    process: subprocess.Popen[bytes]
    """QEMU."""
    errors: IO[bytes]
    """What it says on standard error."""

    def wait(self) -> NoReturn:
        """Wait until the emulator ends, which it does not do of itself.

        Raises:
            SimulationError: it ended.
        """
        code = self.process.wait()
        raise _ended(self.errors, f"it ended with exit code {code}")


@contextmanager
def emulated(elf: Path, *, icount_shift: int = ICOUNT_SHIFT) -> Iterator[Machine]:
    """Boot an ELF; QEMU ends with the block.

    Raises:
        UsageError: the file is no ELF, which QEMU would execute byte by byte.
        ToolchainError: QEMU is not installed or does not run.
        SimulationError: it ended at once.
    """
    _check(elf)
    program = qemu()
    command = [
        program,
        *("-machine", MACHINE),
        *("-icount", f"shift={icount_shift}"),
        *("-nodefaults", "-display", "none", "-monitor", "stdio", "-S"),
        *("-serial", "pty", "-serial", "pty"),
        *("-kernel", os.fspath(elf)),
    ]
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                process_group=0,  # Ctrl-C is for this program, which ends QEMU when it is done with it
                preexec_fn=_ending_with_parent(),
            )
        except OSError as error:
            raise ToolchainError(f"{QEMU} does not run: {error.strerror}", hint="reinstall it") from None
        opened = -1
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            serial, pin = _ports(process.stdout, errors)
            # What is said to nobody is lost: the line is open before the core starts, and stays so.
            opened = os.open(serial, os.O_RDWR | os.O_NOCTTY)
            try:
                process.stdin.write(b"cont\n")
                process.stdin.flush()
            except OSError:
                raise _ended(errors, "it ended at once") from None
            yield Machine(serial, pin, process, errors)
        finally:
            _end(process)
            if opened >= 0:
                os.close(opened)


def _ending_with_parent() -> Callable[[], object]:
    """What the child runs first: Linux ends it if this thread does, even by SIGKILL."""
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _check(elf: Path) -> None:
    try:
        with elf.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UsageError(f"{elf} cannot be read: {error.strerror}", hint="check the path") from None
    if magic != b"\x7fELF":
        raise UsageError(f"{elf} is not an ELF", hint="make one with 'tinybench firmware build'")


def _ports(said: IO[bytes], errors: IO[bytes]) -> tuple[str, str]:
    """The pseudo-terminals, in the order of the UARTs."""
    found: dict[bytes, str] = {}
    for line in said:
        match = _PORTS.search(line)
        if match:
            found[match[2]] = os.fsdecode(match[1])
        if len(found) == 2:
            return found[b"0"], found[b"1"]
    raise _ended(errors, "it ended at once")


def _ended(errors: IO[bytes], otherwise: str) -> SimulationError:
    errors.seek(0)
    said = errors.read(1000).decode("utf-8", "replace").strip().splitlines()
    return SimulationError(f"under QEMU: {said[0] if said else otherwise}", hint="build the firmware again")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_ENDING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
