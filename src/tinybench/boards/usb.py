"""Debug probes and power analysers that programs reach by raw USB, and whether the user may.

A serial port belongs to a group that users can join; a raw USB device belongs to root until a rule of udev
gives it away. Linux only: elsewhere nothing is found, and nothing is said.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SYSFS: Final = Path("/sys/bus/usb/devices")
_NODES: Final = Path("/dev/bus/usb")

RULES: Final = {
    "0483:37": "https://pyocd.io/docs/udev_rules",  # ST-LINK
    "04b4:f1": "https://pyocd.io/docs/udev_rules",  # KitProg3
    "0d28:0204": "https://pyocd.io/docs/udev_rules",  # DAPLink
    "2e8a:000c": "https://pyocd.io/docs/udev_rules",  # Raspberry Pi Debug Probe
    "1366:": "https://pyocd.io/docs/udev_rules",  # J-Link
    "16d0:0e88": "72-joulescope.rules of https://github.com/jetperch/joulescope_driver",  # JS110
    "16d0:10ba": "72-joulescope.rules of https://github.com/jetperch/joulescope_driver",  # JS220
}
"""How USB ids of probes and analysers begin -> where the rules of udev for them are."""


@dataclass(frozen=True)
class UsbDevice:
    """A probe or an analyser on USB."""

    usb: str
    """``vendor:product`` in hex."""
    title: str
    """What it calls itself."""
    problem: str | None
    """Why this program could not use it."""
    fix: str | None
    """What to do about that."""


def instruments(sysfs: Path = _SYSFS, nodes: Path = _NODES) -> tuple[UsbDevice, ...]:
    """The known probes and analysers that are plugged in, without opening them.

    Args:
        sysfs: where the kernel describes USB devices, a folder each.
        nodes: where the files are that programs open, ``bus/device``.
    """
    found = []
    try:
        folders = sorted(sysfs.iterdir())
    except OSError:
        return ()
    for folder in folders:
        usb = f"{_read(folder, 'idVendor')}:{_read(folder, 'idProduct')}"
        rules = next((rules for beginning, rules in RULES.items() if usb.startswith(beginning)), None)
        if rules is None:
            continue
        title = " ".join(filter(None, (_read(folder, "manufacturer"), _read(folder, "product")))) or usb
        problem, fix = _usable(nodes, _read(folder, "busnum"), _read(folder, "devnum"), rules)
        found.append(UsbDevice(usb, title, problem, fix))
    return tuple(found)


def _usable(nodes: Path, bus: str, device: str, rules: str) -> tuple[str | None, str | None]:
    if not (bus.isdigit() and device.isdigit()):
        return "the system does not tell where it is", "plug it in again"
    node = nodes / f"{int(bus):03}" / f"{int(device):03}"
    if not node.exists():
        return "this machine or container was not given it", f"give it {node}"
    if not os.access(node, os.R_OK | os.W_OK):
        return "only root may open it", f"install the rules of udev ({rules}), then plug it in again"
    return None, None


def _read(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(errors="replace").strip()
    except OSError:
        return ""
