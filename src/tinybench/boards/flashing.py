"""Writing firmware to a board through pyOCD: only when asked for, and only what the board can hold.

pyOCD runs as a program of its own (``python -m pyocd``): whatever a probe's driver does, this one goes on,
and the lines that it prints are its interface to people, which stays. It is started in an empty folder, as
it would execute a ``pyocd_user.py`` of the one that it is started in, and without leave to erase a chip that
is locked.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import IO, Final

from tinybench.errors import BoardError, CapacityError, OutputError, UsageError
from tinybench.extras import installing
from tinybench.progress import Progress, silent
from tinybench.specs import DeviceSpec

PYOCD: Final[tuple[str, ...]] = (sys.executable, "-m", "pyocd")
FORMATS: Final = {".elf": "elf", ".axf": "elf", ".hex": "hex", ".bin": "bin"}
"""How names of firmware end -> what pyOCD calls the format."""
LIST_S: Final = 60.0
LOAD_S: Final = 600.0
"""A flash of some megabytes over a slow probe takes about a minute."""
_BAR: Final = 40
"""Width of pyOCD's progress bar where the output is no terminal."""
_KEPT: Final = 20
"""Lines of pyOCD that are remembered, to tell why it failed."""


@dataclass(frozen=True)
class Probe:
    """A debug probe that pyOCD sees."""

    unique_id: str
    title: str


def flash(path: Path, device: DeviceSpec, *, probe: str | None = None, progress: Progress = silent) -> str:
    """Write firmware to a board and start it; what was written, for the log.

    Args:
        path: ``.elf``, ``.axf``, ``.hex`` or ``.bin``; a ``.bin`` goes to the start of the flash.
        device: what the board is.
        probe: unique id of the debug probe, or a part of it that only one has; the only one if not given.
        progress: called as ``("flashing", percent, 100)``.

    Raises:
        UsageError: the file is no firmware for this device, or nothing says how the device is flashed.
        CapacityError: the flash is too small for it.
        BoardError: there is no probe, or writing failed.
    """
    target = check(path, device)
    chosen = choose(probes(), probe)
    arguments = ["load", "--no-wait", "--uid", chosen.unique_id, "--target", target]
    arguments += ["-O", "auto_unlock=false", "--format", FORMATS[path.suffix.lower()]]
    if path.suffix.lower() == ".bin" and device.flash is not None:
        arguments += ["--base-address", f"{device.flash.base:#x}"]
    arguments.append(str(path.resolve()))
    progress("flashing", 0, 100)
    code, lines = _watched(arguments, progress)
    if code != 0:
        raise _failure(lines, device, target, code)
    data = path.read_bytes()
    return (
        f"flashed {path.name}, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}, "
        f"to {device.id} ({target}) by probe {chosen.unique_id} ({chosen.title})"
    )


def check(path: Path, device: DeviceSpec) -> str:
    """See that a file is firmware that the device can hold; pyOCD's name of the device.

    Raises: errors as ``flash``, but for the probe.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path} is no firmware: give one of {', '.join(FORMATS)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="check --flash") from None
    if device.emulated:
        raise UsageError(
            f"{device.id} is emulated: it has no flash to write", hint="tinybench firmware emulate FILE"
        )
    if device.board is None or device.board.pyocd_target is None:
        raise UsageError(
            f"nothing says what pyOCD calls the chip of {device.id}",
            hint="write pyocd_target to [board] of its profile, or flash it with its vendor's tool",
        )
    _check_fits(path, data, device)
    if find_spec("pyocd") is None:
        raise UsageError("--flash needs the package pyocd, which is not installed", hint=installing("boards"))
    return device.board.pyocd_target


def probes() -> tuple[Probe, ...]:
    """The debug probes that are plugged in.

    Raises:
        BoardError: pyOCD cannot list them.
    """
    with tempfile.TemporaryDirectory(prefix="tinybench-") as empty:
        command = [*PYOCD, "json", "--probes", "--no-config", "--project", empty]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIST_S, check=False
            )
            document = json.loads(done.stdout)
            found = [(board["unique_id"], board["info"]) for board in document["boards"]]
        except subprocess.TimeoutExpired:
            raise BoardError(f"pyOCD did not list its probes within {LIST_S:.0f} s", hint=_REPLUG) from None
        except (ValueError, KeyError, TypeError):
            said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise BoardError(f"pyOCD cannot list its probes: {said}", hint=_REPLUG) from None
        except OSError as error:
            raise OutputError(f"pyOCD cannot be started: {error}") from None
    if document.get("status") and not found:
        raise BoardError(f"pyOCD cannot list its probes: {document.get('error')}", hint=_REPLUG)
    return tuple(Probe(str(unique_id), str(title)) for unique_id, title in found)


def choose(found: Sequence[Probe], wanted: str | None) -> Probe:
    """The probe with an id, or the only one.

    Raises:
        BoardError: there is none.
        UsageError: there are several.
    """
    listed = ", ".join(f"{probe.unique_id} ({probe.title})" for probe in found)
    if not found:
        raise BoardError(
            "no debug probe is plugged in, or none that you may use", hint="'tinybench doctor' says more"
        )
    fitting = [probe for probe in found if wanted is None or wanted.lower() in probe.unique_id.lower()]
    exact = [probe for probe in fitting if wanted is not None and probe.unique_id.lower() == wanted.lower()]
    if len(exact or fitting) == 1:
        return (exact or fitting)[0]
    if not fitting:
        raise BoardError(f"no debug probe has the id {wanted}", hint=f"there is {listed}")
    raise UsageError(f"{len(fitting)} debug probes are plugged in", hint=f"say --probe with one of {listed}")


def _check_fits(path: Path, data: bytes, device: DeviceSpec) -> None:
    """Refuse what is not for this chip or runs past the end of its flash."""
    parts = _parts(path, data, device)
    if not parts:
        raise UsageError(f"{path} holds nothing to write", hint="is it the linked firmware?")
    if device.flash is None:
        return
    low, high = device.flash.base, device.flash.base + device.flash.bytes
    inside = [(start, size) for start, size in parts if low <= start < high]
    if not inside:
        start, size = parts[0]
        raise UsageError(
            f"{path} puts nothing into the flash of {device.id}, which begins at {low:#010x}; "
            f"it begins with {size} bytes at {start:#010x}",
            hint="is it the firmware of another board?",
        )
    end = max(start + size for start, size in inside)
    if end > high:
        raise CapacityError(
            f"{path} needs {end - low} bytes of flash, {end - high} more than {device.id} has",
            hint="build it for this board",
        )


def _parts(path: Path, data: bytes, device: DeviceSpec) -> list[tuple[int, int]]:
    """Address and size of what a file puts where."""
    match FORMATS[path.suffix.lower()]:
        case "elf":
            return _elf_parts(path, data, device)
        case "hex":
            return _hex_parts(path, data)
    return [(device.flash.base if device.flash else 0, len(data))] if data else []


def _elf_parts(path: Path, data: bytes, device: DeviceSpec) -> list[tuple[int, int]]:
    from io import BytesIO

    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(BytesIO(data))
        machine = elf["e_machine"]
        segments = [(part["p_type"], part["p_paddr"], part["p_filesz"]) for part in elf.iter_segments()]
    except (ELFError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no ELF file: {error}", hint="build it again") from None
    if device.core.startswith("cortex-m") and machine != "EM_ARM":
        raise UsageError(
            f"{path} is for {machine}, but {device.id} has a {device.core}",
            hint="is it that of another board?",
        )
    return [(int(address), int(size)) for kind, address, size in segments if kind == "PT_LOAD" and size]


_HEX_LINE: Final = re.compile(r":(?:[0-9A-Fa-f]{2}){5,260}")


def _hex_parts(path: Path, data: bytes) -> list[tuple[int, int]]:
    """Of Intel's hexadecimal format: lines of length, address, kind, data and a sum that makes all 0."""
    parts: list[tuple[int, int]] = []
    upper = 0
    for number, line in enumerate(data.decode("ascii", "replace").split(), 1):
        record = bytes.fromhex(line[1:]) if _HEX_LINE.fullmatch(line) else b""
        if not record or sum(record) % 256 or record[0] != len(record) - 5:
            raise UsageError(f"{path}:{number}: is no line of Intel hex", hint="build it again")
        offset, kind, payload = int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
        if kind == 0 and payload:
            start = upper + offset
            if parts and sum(parts[-1]) == start:
                parts[-1] = (parts[-1][0], parts[-1][1] + len(payload))
            else:
                parts.append((start, len(payload)))
        elif kind == 1:
            break
        elif kind in (2, 4):
            upper = int.from_bytes(payload, "big") << (4 if kind == 2 else 16)
    return parts


def _watched(arguments: Sequence[str], progress: Progress) -> tuple[int, list[str]]:
    """Run pyOCD and follow its progress bar; exit code and its last lines."""
    lines: deque[str] = deque(maxlen=_KEPT)
    with tempfile.TemporaryDirectory(prefix="tinybench-") as empty:
        command = [*PYOCD, arguments[0], "--no-config", "--project", empty, *arguments[1:]]
        try:
            running = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.DEVNULL,  # it would ask questions
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C would end it with exit code 0
            )
        except OSError as error:
            raise OutputError(f"pyOCD cannot be started: {error}") from None

        def give_up() -> None:
            running.kill()
            lines.append(f"it was not done within {LOAD_S:.0f} s")

        limit = Timer(LOAD_S, give_up)
        limit.daemon = True
        limit.start()
        try:
            assert running.stdout is not None
            _follow(running.stdout, lines, progress)
            return running.wait(), list(lines)
        finally:
            limit.cancel()
            running.kill()
            running.communicate()


def _follow(stream: IO[bytes], lines: deque[str], progress: Progress) -> None:
    """Keep lines and tell how far the bar is: ``[---|--- ... ]`` to measure by, and ``[===`` below it."""
    line = ""
    while piece := stream.read(4096):
        for character in piece.decode("utf-8", "replace"):
            if character != "\n":
                line += character
                if character == "=" and line.startswith("[="):
                    progress("flashing", min(100, line.count("=") * 100 // _BAR), 100)
                continue
            if line.strip() and not line.startswith("["):
                lines.append(line.strip())
            line = ""


_LOG: Final = re.compile(r"^\d{7} (?P<level>[A-Z]) (?P<text>.*?)(?: \[\w+\])?$")
_HINTS: Final = (
    (
        r"target type .* not recognized",
        "pyocd pack install {target}, which downloads the CMSIS pack of the chip",
    ),
    (
        r"approtect|locked|secure state|protected",
        "unlocking erases all that is on the chip: pyocd erase --chip -t {target}, if that is all right",
    ),
    (
        r"no ack|not connected|timeout|timed out|idcode",
        "check that the board has power, and the cable or jumpers between probe and chip",
    ),
)
"""What pyOCD says, in lower case, and what to do about it."""
_AGAIN: Final = "plug the board in again and run the same command: half-written firmware does not answer"


def _failure(lines: Sequence[str], device: DeviceSpec, target: str, code: int) -> BoardError:
    """What pyOCD said in one line, and what to do about it."""
    parsed = [
        (found["level"], found["text"]) if (found := _LOG.match(line)) else ("", line) for line in lines
    ]
    for pattern, hint in _HINTS:
        for _, text in parsed:
            if re.search(pattern, text.lower()):
                return BoardError(f"{device.id} was not flashed: {text}", hint=hint.format(target=target))
    errors = [text for level, text in parsed if level in ("E", "C")] or [text for _, text in parsed]
    reason = errors[-1] if errors else f"pyOCD ended with exit code {code} and said nothing"
    return BoardError(f"{device.id} was not flashed: {reason}", hint=_AGAIN)


_REPLUG: Final = "plug the board in again; 'tinybench doctor' says whether the probe may be used"
