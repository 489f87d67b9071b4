"""Serial ports of this machine: what is plugged in, which boards it may be, and whether it can be used.

Nothing is opened: opening a port pulls the reset line of many boards. What a board is, its USB id does not
say: one debug probe sits on all boards of a maker, so that an id gives candidates. The port itself tells
only by talking to it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from tinybench.errors import UsageError
from tinybench.extras import installing
from tinybench.specs import DeviceSpec

NOTHING: Final = (
    "plug in a board with a USB cable that carries data, many only charge; a virtual machine or a container "
    "has to be given the device; an emulated board is reached by its --port"
)
"""What to do if there is no port at all."""
_PROC: Final = Path("/proc")

State = Literal["free", "busy", "no permission"]


class Listed(Protocol):
    """What pyserial's ``list_ports`` knows of a port; None where the system does not tell."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    location: str | None
    manufacturer: str | None
    product: str | None
    interface: str | None


@dataclass
class Named:
    """A port that a user names and no system lists, such as a pseudo-terminal."""

    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    location: str | None = None
    manufacturer: str | None = None
    product: str | None = None
    interface: str | None = None


@dataclass(frozen=True, kw_only=True)
class Port:
    """A serial port."""

    path: str
    """What ``--port`` takes."""
    usb: str | None
    """``vendor:product`` in hex; None: it is not on USB."""
    title: str
    """What its USB device calls itself."""
    serial_number: str | None
    """Of the USB device: that of a debug probe."""
    interface: str | None
    """Which part of the USB device it is, in the words of the device or as its number."""
    candidates: tuple[str, ...]
    """Ids of the devices whose board has such a serial port."""
    analyser: str | None
    """The power analyser that it is part of: no board is asked there."""
    state: State
    """Whether this program could open it."""
    problem: str | None
    """Why it could not."""
    fix: str | None
    """What to do about that."""
    siblings: tuple[str, ...]
    """Other ports of the same USB device: only one of them carries the board's protocol."""


def comports() -> list[Listed]:
    """All serial ports that pyserial finds, without opening them.

    Raises:
        UsageError: pyserial is not installed.
    """
    try:
        found: list[Listed] = list(import_module("serial.tools.list_ports").comports())
    except ImportError:
        raise UsageError(
            "boards need the package pyserial, which is not installed", hint=installing("boards")
        ) from None
    return found


def ports(
    listed: Iterable[Listed],
    devices: Iterable[DeviceSpec],
    analysers: Mapping[str, str] | None = None,
    *,
    proc: Path = _PROC,
) -> tuple[Port, ...]:
    """The ports with all that is known of them, in the order of their numbers.

    Args:
        listed: what there is, of ``comports``.
        devices: profiles of the boards that may be behind them.
        analysers: path of a port -> the power analyser that it is part of.
        proc: where the system tells of its processes.
    """
    ordered = sorted(listed, key=lambda one: _natural(one.device))
    profiles = tuple(devices)
    held = holders([one.device for one in ordered], proc)
    made = []
    for one in ordered:
        usb = None if one.vid is None or one.pid is None else f"{one.vid:04x}:{one.pid:04x}"
        state, problem, fix = _state(one.device, usb, held.get(one.device, ()))
        analyser = (analysers or {}).get(one.device)
        made.append(
            Port(
                path=one.device,
                usb=usb,
                title=_title(one),
                serial_number=one.serial_number,
                interface=one.interface or _interface(one.location),
                candidates=() if analyser else candidates(usb, profiles),
                analyser=analyser,
                state=state,
                problem=problem,
                fix=fix,
                siblings=tuple(
                    other.device for other in ordered if other is not one and _same_device(one, other)
                ),
            )
        )
    return tuple(made)


def candidates(usb: str | None, devices: Iterable[DeviceSpec]) -> tuple[str, ...]:
    """Ids of the devices whose board may have a serial port with a USB id."""
    return tuple(device.id for device in devices if device.board and usb in device.board.usb)


def holders(paths: Iterable[str], proc: Path = _PROC) -> dict[str, tuple[str, ...]]:
    """Who has ports open, as far as the system tells: path -> ``program (process id)``.

    Of the processes of other users, only those that locked the port are seen.
    """
    nodes: dict[tuple[int, int], str] = {}
    inodes: dict[tuple[int, int, int], str] = {}
    for path in paths:
        try:
            node = Path(path).stat()
        except OSError:
            continue
        nodes[node.st_dev, node.st_ino] = path
        inodes[os.major(node.st_dev), os.minor(node.st_dev), node.st_ino] = path
    found: dict[str, set[int]] = {path: set() for path in nodes.values()}
    for process in _processes(proc) if nodes else ():
        for path in _open_files(process, nodes):
            found[path].add(int(process.name))
    for number, inode in _locks(proc):
        if inode in inodes and number > 0:
            found[inodes[inode]].add(number)
    found = {path: numbers - {os.getpid()} for path, numbers in found.items()}
    return {
        path: tuple(f"{_program(proc, number)} ({number})" for number in sorted(numbers))
        for path, numbers in found.items()
        if numbers
    }


def _processes(proc: Path) -> list[Path]:
    try:
        return [entry for entry in proc.iterdir() if entry.name.isdigit()]
    except OSError:  # no such thing on this system
        return []


def _open_files(process: Path, nodes: Mapping[tuple[int, int], str]) -> set[str]:
    """Which of the ports a process has open; none if we may not see its files."""
    found = set()
    try:
        for link in (process / "fd").iterdir():
            node = link.stat()
            path = nodes.get((node.st_dev, node.st_ino))
            if path is not None:
                found.add(path)
    except OSError:  # of another user, or it has ended
        return found
    return found


_LOCK: Final = re.compile(
    r"^\d+: (?:FLOCK|POSIX|OFDLCK)\s+\w+\s+\w+\s+(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ", re.MULTILINE
)


def _locks(proc: Path) -> list[tuple[int, tuple[int, int, int]]]:
    """Who locked what: process id, and major, minor and inode of the file."""
    try:
        text = (proc / "locks").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return [
        (int(number), (int(major, 16), int(minor, 16), int(inode)))
        for number, major, minor, inode in _LOCK.findall(text)
    ]


def _program(proc: Path, number: int) -> str:
    try:
        return (proc / str(number) / "comm").read_text(errors="replace").strip() or "a program"
    except OSError:
        return "a program"


def _state(path: str, usb: str | None, held_by: tuple[str, ...]) -> tuple[State, str | None, str | None]:
    if "://" in path or os.name != "posix":  # no file: it shows when it is opened
        return "free", None, None
    if not os.access(path, os.R_OK | os.W_OK):
        problem, fix = permission(path, usb)
        return "no permission", problem, fix
    # Whoever made a pseudo-terminal has it open.
    if held_by and not str(Path(path).resolve()).startswith("/dev/pts/"):
        return "busy", f"opened by {', '.join(held_by)}", "close the other program"
    return "free", None, None


def permission(path: str, usb: str | None) -> tuple[str, str]:
    """Why the user may not open a port, and what to do about it."""
    try:
        node = Path(path).stat()
    except OSError as error:
        return f"{error.strerror or error}", "plug it in again"
    group = _group(node.st_gid)
    if node.st_mode & (stat.S_IRGRP | stat.S_IWGRP) != stat.S_IRGRP | stat.S_IWGRP or node.st_gid == 0:
        vendor = f', ATTRS{{idVendor}}=="{usb[:4]}"' if usb else ""
        rule = f'SUBSYSTEM=="tty"{vendor}, MODE="0660", GROUP="dialout"'
        return (
            "only root may open it",
            f"write the line {rule} to /etc/udev/rules.d/70-boards.rules, then plug it in again",
        )
    if group in _own_groups():
        return f"you are in the group {group}, but this session is older than that", "log out and in again"
    return (
        f"only the group {group} may open it",
        f"sudo usermod -aG {group} $USER, then log out and in again",
    )


def _group(number: int) -> str:
    try:
        import grp

        return grp.getgrgid(number).gr_name
    except (ImportError, KeyError):
        return str(number)


def _own_groups() -> set[str]:
    """Groups that the system lists the user in; a session has those of when it began."""
    try:
        import grp
        import pwd

        name = pwd.getpwuid(os.getuid()).pw_name
        return {group.gr_name for group in grp.getgrall() if name in group.gr_mem}
    except (ImportError, KeyError):
        return set()


def _title(one: Listed) -> str:
    """Maker and product, the maker once."""
    maker, product = one.manufacturer or "", one.product or ""
    if maker and not product.lower().startswith(maker.lower()):
        return f"{maker} {product}".strip()
    return product or ("USB serial port" if one.vid is not None else "serial port")


def _interface(location: str | None) -> str | None:
    """``1-4.3:1.2`` is interface 2 of the device at 1-4.3."""
    number = (location or "").partition(":")[2].rpartition(".")[2]
    return f"interface {number}" if number else None


def _same_device(one: Listed, other: Listed) -> bool:
    """Whether two ports are parts of one USB device."""
    if (one.vid, one.pid) != (other.vid, other.pid) or one.vid is None:
        return False
    if one.location and other.location:
        return one.location.partition(":")[0] == other.location.partition(":")[0]
    return one.serial_number is not None and one.serial_number == other.serial_number


def _natural(path: str) -> tuple[Any, ...]:
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path))
