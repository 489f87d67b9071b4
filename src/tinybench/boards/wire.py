"""The bytes between this machine and a board."""

from __future__ import annotations

import errno
from types import ModuleType
from typing import Final, Protocol

from tinybench.errors import BoardError, UsageError
from tinybench.extras import installing

_POLL_S: Final = 0.02
_WRITE_S: Final = 10.0
"""So long a board may refuse to take a command's bytes."""


class PortLostError(BoardError):
    """The port is gone: the cable was pulled, or the board lost its power."""


class Wire(Protocol):
    """Something that carries bytes in both directions."""

    port: str
    """What it is called."""
    baud: int
    """Symbols per second."""

    def read(self) -> bytes:
        """What has arrived, after a moment of waiting if there is nothing; empty then.

        Raises:
            PortLostError: there is nobody on the other side any more.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send all of it. Errors as in ``read``."""
        ...

    def close(self) -> None:
        """Let go of the port. A second time, nothing happens."""
        ...


def pyserial() -> ModuleType:
    """The package pyserial.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import serial
    except ImportError:
        raise UsageError(
            "boards need the package pyserial, which is not installed",
            hint=installing("boards"),
        ) from None
    return serial


class SerialWire:
    """A serial port of this machine, or whatever else pyserial opens (``socket://host:port``).

    Raises:
        BoardError: it is not there, somebody else uses it, or the user may not.
        UsageError: pyserial is not installed, or does not know such an address.
    """

    def __init__(self, port: str, baud: int) -> None:
        serial = pyserial()
        self.port = port
        self.baud = baud
        self._gone = (serial.SerialException, OSError, *_termios_errors())
        try:
            self._serial = serial.serial_for_url(
                port, baudrate=baud, timeout=_POLL_S, write_timeout=_WRITE_S, exclusive=True
            )
        except ValueError as error:
            raise UsageError(f"{port}: {error}", hint="'tinybench boards' lists ports") from None
        except self._gone as error:
            raise _not_opened(port, error) from None

    def read(self) -> bytes:
        """See ``Wire.read``."""
        try:
            return bytes(self._serial.read(max(1, self._serial.in_waiting)))
        except self._gone:
            raise self._lost() from None
        except TypeError:  # pyserial after close() in another thread
            raise self._lost() from None

    def write(self, data: bytes) -> None:
        """See ``Wire.write``."""
        try:
            self._serial.write(data)
            self._serial.flush()
        except self._gone:
            raise self._lost() from None

    def close(self) -> None:
        """See ``Wire.close``."""
        try:
            self._serial.close()
        except self._gone:  # it is gone, which is what was wanted
            return

    def _lost(self) -> PortLostError:
        return PortLostError(
            f"{self.port}: the board is gone",
            hint="plug it in and run the same command: what was measured is kept; "
            "'tinybench boards' tells if its port has another name now",
        )


def _termios_errors() -> tuple[type[Exception], ...]:
    try:
        import termios
    except ImportError:  # pragma: no cover - not on Linux
        return ()
    return (termios.error,)


def _not_opened(port: str, error: Exception) -> BoardError:
    number = getattr(error, "errno", None)
    said = str(error).lower()
    if number == errno.ENOENT or "no such file" in said:
        return BoardError(
            f"{port}: there is no such port", hint="'tinybench boards' lists what is plugged in"
        )
    if number in (errno.EACCES, errno.EPERM) or "permission denied" in said:
        hint = "sudo usermod -aG dialout $USER, then log in again; 'tinybench doctor' says more"
        return BoardError(f"{port}: you may not use this port", hint=hint)
    if number in (errno.EBUSY, errno.EAGAIN) or "lock" in said or "busy" in said:
        return BoardError(
            f"{port}: another program uses it", hint="close the other program; 'tinybench boards' tells which"
        )
    return BoardError(
        f"{port}: cannot be opened: {error}", hint="'tinybench boards' lists what is plugged in"
    )
