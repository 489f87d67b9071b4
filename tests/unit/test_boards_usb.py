"""Probes and analysers on raw USB, from what the kernel says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinybench import specs
from tinybench.boards import usb
from tinybench.boards.usb import RULES, instruments


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    folder = tmp_path / "sys"
    folder.mkdir()
    return folder


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    folder = tmp_path / "dev"
    (folder / "001").mkdir(parents=True)
    return folder


def plug(sysfs: Path, name: str, usb_id: str, **files: str) -> None:
    folder = sysfs / name
    folder.mkdir()
    vendor, product = usb_id.split(":")
    for file, text in ({"idVendor": vendor, "idProduct": product, "busnum": "1"} | files).items():
        (folder / file).write_text(f"{text}\n")


def test_a_probe_that_may_be_used(sysfs: Path, nodes: Path) -> None:
    plug(sysfs, "1-4", "0483:374b", devnum="7", manufacturer="STMicroelectronics", product="STM32 STLink")
    plug(sysfs, "1-5", "046d:c52b", devnum="8", product="Mouse")
    (sysfs / "1-4:1.0").mkdir()  # an interface: no ids
    (nodes / "001/007").touch()
    (found,) = instruments(sysfs, nodes)
    assert (found.usb, found.title) == ("0483:374b", "STMicroelectronics STM32 STLink")
    assert (found.problem, found.fix) == (None, None)


@pytest.mark.parametrize(
    ("usb_id", "rules"),
    [("16d0:10ba", "joulescope_driver"), ("1366:1055", "pyocd"), ("0483:374e", "pyocd")],
)
def test_one_that_only_root_may_use_comes_with_the_rules(
    sysfs: Path, nodes: Path, monkeypatch: pytest.MonkeyPatch, usb_id: str, rules: str
) -> None:
    plug(sysfs, "1-4", usb_id, devnum="12")
    (nodes / "001/012").touch()
    monkeypatch.setattr(usb.os, "access", lambda path, mode: False)
    (found,) = instruments(sysfs, nodes)
    assert found.title == usb_id
    assert found.problem == "only root may open it"
    assert rules in (found.fix or "")


def test_one_that_a_container_was_not_given(sysfs: Path, nodes: Path) -> None:
    plug(sysfs, "1-4", "0483:374b", devnum="7")
    plug(sysfs, "1-6", "0483:374b", devnum="odd")
    lost, odd = instruments(sysfs, nodes)
    assert "not given it" in (lost.problem or "")
    assert (lost.fix or "").endswith("001/007")
    assert "does not tell where" in (odd.problem or "")


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    assert instruments(tmp_path / "none", tmp_path) == ()


def test_this_machine_can_be_looked_at() -> None:
    assert isinstance(instruments(), tuple)


def test_the_probes_of_all_profiles_that_pyocd_flashes_have_rules() -> None:
    """Boards without a probe of their own show the chip's serial port: that needs no rule for raw USB."""
    own_port = {"2341", "2e8a"}
    for device in specs.devices().values():
        for one in device.board.usb if device.board and device.board.pyocd_target else ():
            assert any(one.startswith(beginning) for beginning in RULES) or one[:4] in own_port
