"""Power analysers that are serial ports: which ones are plugged in, and opening one with errors that help."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tinybench.errors import MeterError, UsageError
from tinybench.extras import installing
from tinybench.meters.base import Found

if TYPE_CHECKING:
    from serial import Serial

READ_S: Final = 0.1
"""A read returns after this at the latest, so that a session can end."""
PERMISSION: Final = (
    "add yourself to the group that owns it (often: sudo usermod -aG dialout $USER), then log in again"
)


def require(module: str, title: str) -> Any:
    """Import a package of the extra ``boards``.

    Args:
        module: full name of what is imported.
        title: of the analyser, for the error.

    Raises:
        UsageError: it is not installed; the hint says how to get it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{title} needs the package {module.partition('.')[0]}, which is missing",
            hint=installing("boards"),
        ) from error


def plugged_in(title: str, is_it: Callable[[Any], bool]) -> tuple[Found, ...]:
    """The serial ports that are such an analyser, without opening them.

    Args:
        title: what it is called.
        is_it: decides by what pyserial knows of a port (``vid``, ``pid``, ``product``, ``location``).

    Raises:
        UsageError: pyserial is missing.
    """
    ports = require("serial.tools.list_ports", title).comports()
    return tuple(
        Found(
            address=port.device,
            title=title if port.serial_number is None else f"{title}, serial number {port.serial_number}",
            problem=_problem(port.device),
        )
        for port in sorted(ports, key=lambda port: port.device)
        if is_it(port)
    )


def choose(found: tuple[Found, ...], title: str, name: str) -> str:
    """Address of the only one.

    Raises:
        MeterError: there is none.
        UsageError: there are several.
    """
    if not found:
        raise MeterError(
            f"no {title} is plugged in",
            hint=f"plug it in, or say --meter {name}:PORT; 'tinybench meters' shows what is there",
        )
    if len(found) > 1:
        listed = ", ".join(f"{name}:{one.address}" for one in found)
        raise UsageError(f"{len(found)} of {title} are plugged in", hint=f"say --meter with one of {listed}")
    return found[0].address


def open_port(address: str, baud: int, title: str) -> Serial:
    """Open the port for this program alone.

    Raises:
        UsageError: pyserial is missing.
        MeterError: it is not there, in use, no serial port, or may not be opened.
    """
    serial = require("serial", title)
    try:
        port: Serial = serial.Serial(address, baud, timeout=READ_S, write_timeout=2.0, exclusive=True)
    except (OSError, ValueError) as error:  # SerialException is an OSError
        raise cannot_open(address, error, title) from error
    return port


def cannot_open(address: str, error: Exception, title: str) -> MeterError:
    """What to tell about a port that did not open."""
    code = getattr(error, "errno", None)
    if code == errno.ENOENT:
        return MeterError(
            f"{title}: there is no port {address}", hint="'tinybench meters' shows what is plugged in"
        )
    if code in (errno.EACCES, errno.EPERM):
        return MeterError(f"{title}: {address} may not be opened", hint=PERMISSION)
    if code in (errno.EAGAIN, errno.EBUSY):
        return MeterError(f"{title}: {address} is in use", hint="close the other program that has it open")
    return MeterError(
        f"{title}: {address} is no serial port that can be opened", hint=" ".join(str(error).split())
    )


def _problem(address: str) -> str | None:
    """Why the port cannot be opened, as far as that shows without doing so."""
    if Path(address).exists() and not os.access(address, os.R_OK | os.W_OK):
        return f"{address} may not be opened: {PERMISSION}"
    return None
