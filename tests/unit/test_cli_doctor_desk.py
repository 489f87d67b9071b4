"""``tinybench doctor`` on boards and power analysers: it warns, with the fix, and never fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tinybench.boards import flashing, ports, usb
from tinybench.boards.flashing import Probe
from tinybench.boards.ports import Named
from tinybench.boards.usb import UsbDevice
from tinybench.cli import _desk, doctor
from tinybench.cli._finding import Finding
from tinybench.errors import BoardError, ToolchainError, UsageError
from tinybench.mcusim import witness
from tinybench.meters import registry
from tinybench.meters.base import Found
from tinybench.results import record


def refuse(error: Exception) -> Callable[..., Any]:
    def raising(*args: Any) -> Any:
        raise error

    return raising


def lines(check: Callable[[], Iterator[Finding]]) -> list[tuple[str, str]]:
    return [(finding.check, finding.status) for finding in check()]


def test_all_of_them_are_part_of_the_doctor() -> None:
    assert set(_desk.CHECKS) <= set(doctor.CHECKS)


def test_this_machine_never_fails_for_want_of_a_board() -> None:
    for check in _desk.CHECKS:
        assert "fail" not in [finding.status for finding in check()]


def test_packages_of_the_extra_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["numpy>=2.0", 'pyserial>=3.5; extra == "boards"', "pyocd>=0.38; extra == 'boards'"]
    monkeypatch.setattr(_desk, "requires", lambda name: wanted)
    there = {"pyserial": "3.5", "pyocd": None}
    monkeypatch.setattr(record, "installed_version", there.__getitem__)
    (finding,) = _desk.extra()
    assert finding.status == "warn"
    assert "without pyocd, " in finding.detail
    assert finding.fix == "pip install 'tinybench-suite[boards]'"
    there["pyocd"] = "0.46.0"
    (finding,) = _desk.extra()
    assert (finding.status, finding.detail) == ("ok", "pyserial 3.5, pyocd 0.46.0")


def test_the_extra_of_this_project_is_found() -> None:
    assert {"pyserial", "pyocd", "ppk2-api"} <= set(_desk._packages())


def test_ports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ttyACM0").touch()
    good = Named(str(tmp_path / "ttyACM0"), 0x0483, 0x374B, product="STLink")
    gone = Named(str(tmp_path / "ttyACM1"), 0x0483, 0x374B, product="STLink")
    monkeypatch.setattr(_desk, "meddlers", lambda: iter(()))
    monkeypatch.setattr(ports, "comports", lambda: [good, gone, Named("/dev/ttyS0")])
    warned, fine = _desk.serial_ports()
    assert (warned.check, warned.status) == (f"port {gone.device}", "warn")
    assert warned.fix
    assert fine.status == "ok"
    assert good.device in fine.detail
    monkeypatch.setattr(ports, "comports", lambda: [Named("/dev/ttyS0")])
    (finding,) = _desk.serial_ports()
    assert (finding.status, finding.detail) == ("ok", "none is plugged in by USB")
    monkeypatch.setattr(ports, "comports", refuse(UsageError("no pyserial")))
    assert lines(_desk.serial_ports) == []


def test_programs_that_talk_to_every_new_port(tmp_path: Path) -> None:
    for number, program in enumerate(("bash", "ModemManager", "brltty"), 100):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(f"{program}\n")
    (tmp_path / "200").mkdir()
    found = list(_desk.meddlers(tmp_path))
    assert [finding.status for finding in found] == ["warn", "warn"]
    assert "systemctl disable --now ModemManager" in found[0].fix


def test_probes_and_analysers_on_raw_usb(monkeypatch: pytest.MonkeyPatch) -> None:
    there = (
        UsbDevice("0483:374b", "STLink", None, None),
        UsbDevice("16d0:10ba", "JS220", "only root may open it", "install the rules"),
    )
    monkeypatch.setattr(usb, "instruments", lambda: there)
    fine, warned = _desk.usb_rules()
    assert (fine.status, warned.status) == ("ok", "warn")
    assert (warned.detail, warned.fix) == ("JS220: only root may open it", "install the rules")


def test_debug_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "installed_version", lambda name: "0.46.0")
    monkeypatch.setattr(flashing, "probes", lambda: (Probe("0123", "STLink"),))
    (finding,) = _desk.debug_probes()
    assert (finding.status, finding.detail) == ("ok", "pyOCD 0.46.0: STLink (0123)")
    monkeypatch.setattr(flashing, "probes", tuple)
    assert next(_desk.debug_probes()).detail == "pyOCD 0.46.0: none is plugged in"
    monkeypatch.setattr(flashing, "probes", refuse(BoardError("no USB", hint="plug it in again")))
    assert lines(_desk.debug_probes) == [("debug probes", "warn")]
    monkeypatch.setattr(record, "installed_version", lambda name: None)
    assert lines(_desk.debug_probes) == []


class Kind:
    def __init__(self, name: str, *found: Found, missing: bool = False) -> None:
        self.name, self.found, self.missing = name, found, missing

    def check(self) -> None:
        if self.missing:
            raise UsageError("its package is missing")

    def find(self) -> tuple[Found, ...]:
        return self.found


def test_power_analysers(monkeypatch: pytest.MonkeyPatch) -> None:
    good = Found(address="/dev/ttyACM0", title="PPK2, serial number 1")
    bad = Found(address="/dev/ttyACM1", title="PPK2, serial number 2", problem="may not be opened")
    kinds = [Kind("ppk2", good, bad), Kind("joulescope", missing=True), Kind("otii")]
    monkeypatch.setattr(registry, "meters", lambda: {kind.name: kind for kind in kinds})
    warned, fine = _desk.analysers()
    assert (warned.status, warned.detail) == ("warn", "may not be opened")
    assert fine.detail == "ppk2:/dev/ttyACM0 (PPK2, serial number 1)"
    kinds[:] = kinds[1:]
    (none,) = _desk.analysers()
    assert none.detail == "none is plugged in; known are joulescope, otii"


def test_without_qemu_no_board_is_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "qemu_version", lambda: "QEMU 9.0")
    assert [finding.detail for finding in _desk.emulated_board()] == ["QEMU 9.0"]
    monkeypatch.setattr(witness, "qemu_version", refuse(ToolchainError("it is not installed", hint="do")))
    assert [(finding.status, finding.fix) for finding in _desk.emulated_board()] == [("warn", "do")]
