"""``tinybench boards``: what is plugged in, and what answers."""

from __future__ import annotations

import json
import os
import pty
import sys
from pathlib import Path

import pytest

from fake_board import FakeBoard, Firmware, network
from tinybench.boards import asking, ports
from tinybench.boards.dut import Patience
from tinybench.boards.ports import Named
from tinybench.cli import _console, boards, main
from tinybench.errors import MeterError
from tinybench.meters import registry
from tinybench.meters.base import Found

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    for name in ("ttyACM0", "ttyACM1", "ttyACM2"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> list[Named]:
    """What pyserial lists; no power analysers unless a test says so."""
    listed: list[Named] = []
    monkeypatch.setattr(ports, "comports", lambda: listed)
    monkeypatch.setattr(registry, "meters", dict)
    monkeypatch.setattr(_console, "_PIPED_WIDTH", 400)
    return listed


def stlink(path: Path, location: str = "1-4:1.2") -> Named:
    return Named(
        str(path), 0x0483, 0x374B, f"SN-{location[:3]}", location, "STMicroelectronics", "STM32 STLink"
    )


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience(boot_s=0.2, answer_s=0.2, tries=1)
    monkeypatch.setattr(asking.ask, "__kwdefaults__", {"patience": patience})


def test_nothing_plugged_in_is_no_error(plugged: list[Named], capsys: Captured) -> None:
    assert main(["boards"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "no serial port is plugged in"
    assert second.startswith("hint: plug in a board with a USB cable that carries data")
    assert main(["boards", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_probe_is_shown_with_its_candidates(plugged: list[Named], dev: Path, capsys: Captured) -> None:
    plugged.append(stlink(dev / "ttyACM0"))
    assert main(["boards"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for text in (str(dev / "ttyACM0"), "STM32 STLink", "0483:374b", "disco-f746ng", "more", "free"):
        assert text in out
    assert "hint" not in out
    assert main(["boards", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert "nucleo-l4r5zi" in row["candidates"]
    assert row["state"] == "free"
    assert "answer" not in row


def test_a_port_that_is_built_in_is_no_board_on_usb(
    plugged: list[Named], dev: Path, capsys: Captured
) -> None:
    plugged.append(Named(str(dev / "ttyACM0")))
    assert main(["boards"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "whatever is wired to it" in out
    assert "hint: nothing is plugged in by USB" in out


def test_several_ports_of_one_probe(plugged: list[Named], dev: Path, capsys: Captured) -> None:
    plugged += [stlink(dev / "ttyACM0", "1-4:1.0"), stlink(dev / "ttyACM1", "1-4:1.2")]
    assert main(["boards"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "interface 0" in out
    assert "interface 2" in out
    assert "hint: of several ports of one USB device, one is the board's serial port" in out


class Kind:
    """A power analyser that is a serial port."""

    name = "demo"

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def find(self) -> tuple[Found, ...]:
        if self.path is None:
            raise MeterError("its driver is broken")
        return (Found(address=str(self.path), title="Demo analyser"),)


def test_a_power_analyser_is_left_out_of_the_boards(
    plugged: list[Named],
    dev: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
    hurried: None,
) -> None:
    plugged += [stlink(dev / "ttyACM0"), stlink(dev / "ttyACM1", "1-5:1.2")]
    kinds = {"demo": Kind(dev / "ttyACM0"), "other": Kind(None)}
    monkeypatch.setattr(registry, "meters", lambda: kinds)
    assert boards.analysers() == {str(dev / "ttyACM0"): "Demo analyser"}
    assert main(["boards", "--probe", "--json"]) == 0
    analyser, board = json.loads(capsys.readouterr().out)
    assert (analyser["analyser"], analyser["candidates"]) == ("Demo analyser", [])
    assert analyser["silent_because"] is None  # it was not asked
    assert board["silent_because"]
    assert main(["boards"]) == 0
    assert "no board: Demo analyser" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("mode", "timestamps"), [("performance", "printed"), ("energy", "pin")])
def test_a_board_says_who_it_is(
    plugged: list[Named], tmp_path: Path, capsys: Captured, mode: str, timestamps: str
) -> None:
    firmware = Firmware(network("kws"), mode=mode, vendor="tinybench nucleo-l4r5zi")  # type: ignore[arg-type]
    with FakeBoard(firmware, tmp_path) as board:
        plugged.append(stlink(Path(board.port)))
        assert main(["boards", "--probe", "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert main(["boards", "--probe"]) == 0
        out = " ".join(capsys.readouterr().out.split())
    assert row["answer"]["model"] == "kws01"
    assert row["answer"]["name"] == "tinybench nucleo-l4r5zi"
    assert (row["baud"], row["timestamps"], row["silent_because"]) == (115_200, timestamps, None)
    assert "kws01" in out
    assert f"tinybench run kws --runner board --device nucleo-l4r5zi --port {board.port}" in out


def test_a_hint_is_no_command_of_the_board(plugged: list[Named], tmp_path: Path, capsys: Captured) -> None:
    with FakeBoard(Firmware(network("kws"), vendor="tinybench x; rm -rf ~ #"), tmp_path) as board:
        assert main(["boards", "--probe", board.port]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"--device ID --port {board.port}" in out
    assert out.count("rm -rf") == 1, "in the table, as what the board says"


def test_a_board_that_says_too_much_of_itself_is_none(
    plugged: list[Named], tmp_path: Path, capsys: Captured, hurried: None
) -> None:
    with FakeBoard(Firmware(network("kws"), vendor="x" * 60_000), tmp_path) as board:
        assert main(["boards", "--probe", board.port]) == 1
    assert "xxx" not in capsys.readouterr().out


def test_a_port_that_no_system_lists_is_asked_if_it_is_named(
    plugged: list[Named], tmp_path: Path, capsys: Captured
) -> None:
    with FakeBoard(Firmware(network("kws")), tmp_path) as board:
        assert main(["boards", "--probe", board.port]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "115200 baud" in out
    assert "busy" not in out  # the one who made a pseudo-terminal has it open
    assert f"--device ID --port {board.port}" in out


def test_a_named_port_where_nobody_answers_is_exit_1(
    plugged: list[Named], capsys: Captured, hurried: None
) -> None:
    master, slave = pty.openpty()
    try:
        path = os.ttyname(slave)
        assert main(["boards", "--probe", path]) == 1
        out = " ".join(capsys.readouterr().out.split())
        assert "nothing answers at 115200, 9600 or 921600 baud" in out
        assert f"hint: {path}: check power, cable and firmware" in out
        assert main(["boards", path]) == 0
    finally:
        os.close(master)
        os.close(slave)


def test_an_address_that_is_no_file_is_tried(plugged: list[Named], capsys: Captured, hurried: None) -> None:
    assert main(["boards", "--probe", "socket://127.0.0.1:9"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "socket://127.0.0.1:9" in out
    assert "cannot be opened" in out


def test_a_file_is_no_serial_port(plugged: list[Named], dev: Path, capsys: Captured) -> None:
    assert main(["boards", "--probe", str(dev / "ttyACM0")]) == 1
    assert "hint:" in capsys.readouterr().out


def test_a_port_that_is_not_there_is_exit_2(plugged: list[Named], tmp_path: Path, capsys: Captured) -> None:
    assert main(["boards", str(tmp_path / "ttyACM9")]) == 2
    assert f"there is no port {tmp_path / 'ttyACM9'}" in capsys.readouterr().err


def test_without_pyserial_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    for name in ("serial", "serial.tools", "serial.tools.list_ports"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["boards"]) == 2
    assert "pip install 'tinybench-suite[boards]'" in capsys.readouterr().err
