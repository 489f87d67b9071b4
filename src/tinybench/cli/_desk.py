"""Checks of what boards and power analysers need. None of it fails: simulations do without."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Final

from tinybench.cli._finding import Finding
from tinybench.extras import DISTRIBUTION, installing

_MEDDLERS: Final = {
    "ModemManager": "sudo systemctl disable --now ModemManager, if you have no modem",
    "brltty": "sudo systemctl mask --now brltty brltty-udev, if you have no Braille display",
}
"""Programs that take new serial ports for themselves -> what to do about it."""
_PROC: Final = Path("/proc")


def extra() -> Iterator[Finding]:
    """The packages that reach boards and analysers are installed."""
    from tinybench.results.record import installed_version

    names = _packages()
    missing = [name for name in names if installed_version(name) is None]
    if missing:
        detail = f"without {', '.join(missing)}, no board or not every power analyser can be used"
        yield Finding("boards", "warn", detail, installing("boards"))
    elif names:
        yield Finding("boards", "ok", ", ".join(f"{name} {installed_version(name)}" for name in names))


def _packages() -> list[str]:
    """Names of the packages of the extra."""
    try:
        wanted = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return []
    return [
        re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        for line in wanted
        if re.search(r"extra\s*==\s*['\"]boards['\"]", line)
    ]


def serial_ports() -> Iterator[Finding]:
    """Ports on USB can be opened."""
    from tinybench import specs
    from tinybench.boards.ports import comports, ports
    from tinybench.errors import UsageError

    try:
        found = [port for port in ports(comports(), specs.devices().values()) if port.usb]
    except UsageError:
        return  # said by ``extra``
    good = [port.path for port in found if port.problem is None]
    for port in found:
        if port.problem is not None:
            yield Finding(f"port {port.path}", "warn", f"{port.title}: {port.problem}", port.fix or "")
    if good:
        yield Finding("serial ports", "ok", f"{', '.join(good)} ('tinybench boards' shows more)")
    elif not found:
        yield Finding("serial ports", "ok", "none is plugged in by USB")
    yield from meddlers() if found else ()


def meddlers(proc: Path = _PROC) -> Iterator[Finding]:
    """No program is there that talks to every new serial port."""
    running = set()
    for path in proc.glob("[0-9]*/comm"):
        try:
            running.add(path.read_text(errors="replace").strip())
        except OSError:  # it has ended
            continue
    for name in sorted(running & _MEDDLERS.keys()):
        detail = f"{name} runs and may talk to a board that is plugged in"
        yield Finding("serial ports", "warn", detail, _MEDDLERS[name])


def usb_rules() -> Iterator[Finding]:
    """Debug probes and analysers on raw USB may be used."""
    from tinybench.boards.usb import instruments

    for instrument in instruments():
        name = f"usb {instrument.usb}"
        if instrument.problem is None:
            yield Finding(name, "ok", instrument.title)
        else:
            yield Finding(name, "warn", f"{instrument.title}: {instrument.problem}", instrument.fix or "")


def debug_probes() -> Iterator[Finding]:
    """What pyOCD could flash."""
    from tinybench.boards import flashing
    from tinybench.errors import TinybenchError
    from tinybench.results.record import installed_version

    version = installed_version("pyocd")
    if version is None:
        return  # said by ``extra``
    try:
        found = flashing.probes()
    except TinybenchError as error:
        yield Finding("debug probes", "warn", error.message, error.hint or "")
        return
    listed = ", ".join(f"{probe.title} ({probe.unique_id})" for probe in found) or "none is plugged in"
    yield Finding("debug probes", "ok", f"pyOCD {version}: {listed}")


def analysers() -> Iterator[Finding]:
    """Power analysers that are plugged in can be used."""
    from tinybench.errors import TinybenchError
    from tinybench.meters import registry

    good = []
    kinds = registry.meters()
    for kind in kinds.values():
        try:
            kind.check()
            found = kind.find()
        except TinybenchError:
            continue  # its package is missing, said by ``extra``
        for one in found:
            if one.problem is None:
                good.append(f"{kind.name}:{one.address} ({one.title})")
            else:
                yield Finding(f"power analyser {one.title}", "warn", one.problem, "tinybench meters")
    if good:
        yield Finding("power analysers", "ok", ", ".join(good))
    else:
        yield Finding("power analysers", "ok", f"none is plugged in; known are {', '.join(kinds)}")


def emulated_board() -> Iterator[Finding]:
    """QEMU is there to emulate a board."""
    from tinybench.errors import ToolchainError
    from tinybench.mcusim.witness import qemu_version

    try:
        yield Finding("emulated board", "ok", qemu_version())
    except ToolchainError as error:
        yield Finding("emulated board", "warn", error.message, error.hint or "")


CHECKS: Final[tuple[Callable[[], Iterator[Finding]], ...]] = (
    extra,
    serial_ports,
    usb_rules,
    debug_probes,
    analysers,
    emulated_board,
)
