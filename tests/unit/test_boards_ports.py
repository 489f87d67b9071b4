"""What is plugged in: ports, the boards they may be, who uses them, and who may."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tinybench import specs
from tinybench.boards import ports as module
from tinybench.boards.ports import Named, Port, candidates, comports, holders, permission, ports
from tinybench.errors import UsageError


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    folder = tmp_path / "dev"
    folder.mkdir()
    for name in ("ttyACM0", "ttyACM1", "ttyACM2", "ttyACM10", "ttyUSB0"):
        (folder / name).touch()
    return folder


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    folder = tmp_path / "proc"
    folder.mkdir()
    return folder


def stlink(path: Path, **changes: object) -> Named:
    known: dict[str, object] = {
        "vid": 0x0483,
        "pid": 0x374B,
        "serial_number": "066BFF57",
        "location": "1-4:1.2",
        "manufacturer": "STMicroelectronics",
        "product": "STM32 STLink",
    }
    return Named(str(path), **(known | changes))  # type: ignore[arg-type]


def seen(*listed: Named, proc: Path, analysers: dict[str, str] | None = None) -> tuple[Port, ...]:
    return ports(listed, specs.devices().values(), analysers, proc=proc)


def test_a_probe_names_no_board_only_candidates(dev: Path, proc: Path) -> None:
    (port,) = seen(stlink(dev / "ttyACM0"), proc=proc)
    assert port.usb == "0483:374b"
    assert port.title == "STMicroelectronics STM32 STLink"
    assert (port.serial_number, port.interface) == ("066BFF57", "interface 2")
    assert {"nucleo-l4r5zi", "nucleo-g0b1re", "disco-f746ng"} <= set(port.candidates)
    assert "nucleo-u575zi-q" not in port.candidates  # has an STLINK-V3
    assert (port.state, port.problem, port.fix, port.analyser) == ("free", None, None, None)


def test_every_usb_id_of_a_profile_leads_to_it() -> None:
    for device in specs.devices().values():
        for usb in device.board.usb if device.board else ():
            assert device.id in candidates(usb, specs.devices().values())
    assert candidates("ffff:ffff", specs.devices().values()) == ()
    assert candidates(None, specs.devices().values()) == ()


def test_ports_are_in_the_order_of_their_numbers(dev: Path, proc: Path) -> None:
    names = ("ttyACM10", "ttyUSB0", "ttyACM2")
    listed = seen(*(Named(str(dev / name)) for name in names), proc=proc)
    assert [Path(port.path).name for port in listed] == ["ttyACM2", "ttyACM10", "ttyUSB0"]


def test_two_ports_of_one_probe_know_of_each_other(dev: Path, proc: Path) -> None:
    listed = seen(
        stlink(dev / "ttyACM0", location="1-4:1.0"),
        stlink(dev / "ttyACM1", location="1-4:1.2"),
        stlink(dev / "ttyACM2", location="1-5:1.2", serial_number="OTHER"),
        Named(str(dev / "ttyUSB0")),
        proc=proc,
    )
    assert [tuple(map(os.path.basename, port.siblings)) for port in listed] == [
        ("ttyACM1",),
        ("ttyACM0",),
        (),
        (),
    ]


def test_a_power_analyser_is_no_board(dev: Path, proc: Path) -> None:
    port, other = seen(
        stlink(dev / "ttyACM0"),
        stlink(dev / "ttyACM1", location="1-5:1.2", serial_number="OTHER"),
        proc=proc,
        analysers={str(dev / "ttyACM0"): "STM32 LPM01A"},
    )
    assert (port.analyser, port.candidates) == ("STM32 LPM01A", ())
    assert other.analyser is None
    assert other.candidates


@pytest.mark.parametrize(
    ("maker", "product", "vid", "title"),
    [
        ("Arduino", "Arduino Nano 33 BLE", 0x2341, "Arduino Nano 33 BLE"),
        ("SEGGER", "J-Link", 0x1366, "SEGGER J-Link"),
        (None, "J-Link", 0x1366, "J-Link"),
        (None, None, 0x1366, "USB serial port"),
        (None, None, None, "serial port"),
    ],
)
def test_titles(
    dev: Path, proc: Path, maker: str | None, product: str | None, vid: int | None, title: str
) -> None:
    listed = Named(str(dev / "ttyACM0"), vid=vid, pid=vid, manufacturer=maker, product=product)
    assert seen(listed, proc=proc)[0].title == title


def process(proc: Path, number: int, program: str, *files: Path) -> None:
    folder = proc / str(number) / "fd"
    folder.mkdir(parents=True)
    (folder.parent / "comm").write_text(f"{program}\n")
    for index, file in enumerate(files):
        (folder / str(index)).symlink_to(file)


def test_who_has_a_port_open_is_told(dev: Path, proc: Path) -> None:
    process(proc, 4711, "minicom", dev / "ttyUSB0", dev / "ttyACM0")
    process(proc, 4712, "bash", dev / "ttyUSB0")
    process(proc, os.getpid(), "tinybench", dev / "ttyACM1")
    (proc / "self").mkdir()
    busy, free = seen(stlink(dev / "ttyACM0"), stlink(dev / "ttyACM1", location="1-5:1.2"), proc=proc)
    assert (busy.state, busy.problem) == ("busy", "opened by minicom (4711)")
    assert busy.fix == "close the other program"
    assert free.state == "free"


def test_who_locked_a_port_is_told_though_its_files_are_hidden(dev: Path, proc: Path) -> None:
    node = (dev / "ttyACM0").stat()
    where = f"{os.major(node.st_dev):02x}:{os.minor(node.st_dev):02x}:{node.st_ino}"
    (proc / "locks").write_text(
        f"1: POSIX  ADVISORY  READ 12 00:17:99 0 EOF\n"
        f"2: FLOCK  ADVISORY  WRITE 815 {where} 0 EOF\n"
        f"2: -> FLOCK  ADVISORY  WRITE 816 {where} 0 EOF\n"
        f"3: OFDLCK ADVISORY  WRITE -1 {where} 0 EOF\nnonsense\n"
    )
    assert holders([str(dev / "ttyACM0")], proc) == {str(dev / "ttyACM0"): ("a program (815)",)}


def test_a_system_without_proc_tells_nothing(dev: Path, tmp_path: Path) -> None:
    assert holders([str(dev / "ttyACM0"), str(dev / "gone")], tmp_path / "none") == {}


@contextmanager
def another_program(code: str, path: str) -> Iterator[subprocess.Popen[str]]:
    opened = "import fcntl, sys; port = open(sys.argv[1], 'r+b', 0)"
    program = "\n".join((opened, code, "print('ready', flush=True)", "input()"))
    running = subprocess.Popen(
        [sys.executable, "-c", program, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    try:
        yield running
    finally:
        running.communicate("\n")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.parametrize("code", ["", "fcntl.flock(port, fcntl.LOCK_EX)"])
def test_a_real_port_that_a_real_program_uses(code: str) -> None:
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    try:
        assert holders([path]) == {}
        with another_program(code, path) as running:
            ((said,),) = holders([path]).values()
            assert said.endswith(f"({running.pid})")
            # Of a pseudo-terminal that is no obstacle: whoever made it has it open.
            assert ports([Named(path)], ())[0].state == "free"
        assert holders([path]) == {}
    finally:
        os.close(master)
        os.close(slave)


def no_access(monkeypatch: pytest.MonkeyPatch, mode: int, gid: int, groups: set[str]) -> None:
    """As a user who may not: tests may run as root, who may all."""
    monkeypatch.setattr(module.os, "access", lambda path, wanted: False)
    monkeypatch.setattr(module, "_own_groups", lambda: groups)
    monkeypatch.setattr(module, "_group", lambda number: {0: "root", 20: "dialout"}[number])
    real = Path.stat

    def stat(self: Path, **options: bool) -> os.stat_result:
        found = list(real(self, **options))
        found[0], found[5] = 0o020000 | mode, gid
        return os.stat_result(found)

    monkeypatch.setattr(module.Path, "stat", stat)


@pytest.mark.parametrize(
    ("mode", "gid", "groups", "problem", "fix"),
    [
        (0o660, 20, set(), "only the group dialout may open it", "sudo usermod -aG dialout $USER"),
        (0o660, 20, {"dialout"}, "this session is older", "log out and in again"),
        (0o600, 20, {"dialout"}, "only root may open it", 'SUBSYSTEM=="tty", ATTRS{idVendor}=="0483"'),
        (0o660, 0, set(), "only root may open it", "/etc/udev/rules.d/"),
    ],
)
def test_a_port_that_may_not_be_opened_comes_with_the_fix(
    dev: Path,
    proc: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: int,
    gid: int,
    groups: set[str],
    problem: str,
    fix: str,
) -> None:
    listed = stlink(dev / "ttyACM0")
    no_access(monkeypatch, mode, gid, groups)
    (port,) = seen(listed, proc=proc)
    assert port.state == "no permission"
    assert problem in (port.problem or "")
    assert fix in (port.fix or "")


def test_a_port_that_went_away_while_it_was_looked_at(tmp_path: Path) -> None:
    problem, fix = permission(str(tmp_path / "gone"), None)
    assert (problem, fix) == ("No such file or directory", "plug it in again")


def test_the_real_list_can_be_read() -> None:
    """Whatever this machine has; most that run tests have nothing."""
    pytest.importorskip("serial")
    for port in ports(comports(), specs.devices().values()):
        assert port.path


def test_without_pyserial_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("serial", "serial.tools", "serial.tools.list_ports"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="not installed") as caught:
        comports()
    assert caught.value.hint == "pip install 'tinybench-suite[boards]'"
