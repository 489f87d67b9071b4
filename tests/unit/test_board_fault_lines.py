"""The very lines that a user sees for each fault of a board, its line, the disk or the keyboard.

The page ``board-faults.md`` lists them; a test compares the two.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import pytest
import serial

from board_faults import PATIENCE, own_cache
from fake_board import FakeBoard, Firmware, Line, network
from fault_proxy import KINDS, WrongUnit, faulty
from fault_proxy import kind as named
from tinybench.boards import transcript
from tinybench.cli import main
from tinybench.runners import base

PORT = "/dev/ttyACM0"

_KEPT = "run the same command again: what was measured is kept"
_TASK = "is its firmware that of this task? 'tinybench boards --probe' shows what it says"
_STUCK = f"press its reset button and {_KEPT}"
_PRINTS = f"does other code print in between? {_KEPT}"
_GONE = (
    "the board is gone",
    "plug it in and run the same command: what was measured is kept; 'tinybench boards' tells if its port "
    "has another name now",
)
_CLOCK = "does th_timestamp count microseconds, and does its timer run all the time?"

ERRORS: dict[str, tuple[str, str]] = {
    "unplugged": _GONE,
    "replugged": _GONE,
    "renamed": _GONE,
    "wrong baud": (
        "nothing answers at 115200, 9600 or 921600 baud",
        "check power, cable and firmware; press the reset button; --baud if its speed is another",
    ),
    "reset in every window": (
        "the board started anew in the middle of 'infer 10 1'",
        f"is its supply stable? {_KEPT}",
    ),
    "boot loop": ("the board starts anew again and again", f"is its supply stable? {_KEPT}"),
    "errors of the device": ("the board answers: Tensor arena too small", _TASK),
    "no input taken": ("the board answers: Buffer is busy", _TASK),
    "no timestamps": (
        "the firmware gives its timestamps at a pin, not on the serial line",
        "write the build for performance to the board, or measure --runs energy alone",
    ),
    "stopped clock": ("the board's clock stands still", _CLOCK),
    "hung": ("the board stopped answering", _STUCK),
    "endless line": ("the board talks, but does not answer any more", _STUCK),
    "babbling": ("the board talks, but does not answer any more", _STUCK),
    "broken results": (
        "a broken line of the board: m-results-[0.949,0.004,0.004,0.000,0.004,0heap ok",
        _PRINTS,
    ),
    "short results": (
        "the board gives 11 of the 12 results of an inference",
        "is its firmware that of this task?",
    ),
    "results that are no numbers": (
        "a broken line of the board: m-results-[nan,nan,nan,nan,nan,nan,nan,nan,nan,nan,nan,nan]",
        _PRINTS,
    ),
    "another model": (
        "the board runs sww01, but task 'kws' is kws01",
        "write the firmware of this task to it, or name another task",
    ),
    "another program": (
        "something answers, but not in MLPerf Tiny's protocol",
        "is this the right port, and the benchmark's firmware? 'tinybench boards --probe' asks all",
    ),
}
"""Kind of fault -> what the command says of it behind the port's name, and the hint."""

OTHERS: dict[str, tuple[str, str]] = {
    "no port": ("there is no such port", "'tinybench boards' lists what is plugged in"),
    "in use": ("another program uses it", "close the other program; 'tinybench boards' tells which"),
    "another board": (
        "the unfinished run was on 'Fake Boards', with other firmware",
        "plug that board in, or begin anew with --fresh",
    ),
    "unsteady clock": (
        "the board's clock is not steady: an inference takes 0.203 s, and took 0.135 s before",
        _CLOCK,
    ),
    "wrong unit": (
        "the board's clock says 2 s for a window that took 0.2 s",
        "does th_timestamp count microseconds? check its timer and the clock that feeds it",
    ),
}
"""The same for what is no fault of the line."""

RECOVERIES: dict[str, str] = {
    "reset in a window": "the board started anew in the middle of 'infer 255 1'",
    "half a line": "no answer to 'db ...' within 0.1 s",
    "lost timestamp": "the board gave 1 timestamps for a window, not two",
    "byte lost to the board": "the board answers: Insufficent number of hex digits",
    "noise to the board": "the board answers: Invalid hex digit",
    "late": "no answer to 'db ...' within 0.1 s",
}
"""Kind of fault -> why the log says that something was asked for again."""


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    with own_cache(tmp_path) as folder:
        yield folder


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command waits as long as a fake board needs."""
    patience = replace(PATIENCE, boot_s=0.1, answer_s=0.1)
    monkeypatch.setattr(base, "Bench", partial(base.Bench, patience=patience))


def options(port: str, output: Path, device: str = "qemu-mps2-an386") -> list[str]:
    given = ["run", "kws", "--runner", "board", "--port", port, "--device", device]
    return [*given, "--split", "smoke", "--limit", "8", "--output", str(output)]


def board(kind: str, folder: Path, seed: int = 3) -> FakeBoard:
    firmware, line = faulty(named(kind), seed, lambda **odd: Firmware(network("kws"), **odd))
    return FakeBoard(firmware, folder, line)


def lines(said: str, folder: Path) -> list[str]:
    """What was printed, with the fake port under the name of a real one."""
    return said.replace(str(folder / "ttyACM0"), PORT).splitlines()


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS if kind.outcome == "fails"])
def test_the_error_of_each_fault(
    tmp_path: Path, cache: Path, impatient: None, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    with board(kind, tmp_path) as fake:
        code = main(options(fake.port, tmp_path / "results"))
    said = capsys.readouterr()
    error, hint = ERRORS[kind]
    assert lines(said.err, tmp_path) == [f"error: {PORT}: {error}", f"hint: {hint}"]
    assert said.out == ""
    assert code == 1
    assert not (tmp_path / "results").exists()


def ends(folder: Path, capsys: pytest.CaptureFixture[str], name: str, *more: str) -> None:
    """The command, with these options, ends with the lines of ``name``."""
    device = "nucleo-l4r5zi" if more else "qemu-mps2-an386"
    assert main([*options(str(folder / "ttyACM0"), folder / "results", device), *more]) == 1
    error, hint = OTHERS[name]
    # A busy machine takes a little longer.
    said = re.sub(r"that took 0\.2\d* s", "that took 0.2 s", capsys.readouterr().err)
    assert lines(said, folder) == [f"error: {PORT}: {error}", f"hint: {hint}"]
    assert not (folder / "results").exists()


def test_a_port_that_is_not_there(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ends(tmp_path, capsys, "no port")


def test_a_port_that_another_program_uses(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        FakeBoard(Firmware(network("kws")), tmp_path) as fake,
        serial.Serial(fake.port, exclusive=True),
    ):
        ends(tmp_path, capsys, "in use")


def test_an_unfinished_run_goes_on_with_its_own_board_only(
    tmp_path: Path, cache: Path, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with board("unplugged", tmp_path) as fake:
        assert main(options(fake.port, tmp_path / "results")) == 1
    capsys.readouterr()
    with FakeBoard(Firmware(network("kws"), vendor="Other Boards"), tmp_path):
        ends(tmp_path, capsys, "another board")


class Ageing(Line):
    """Each window takes half as long again as the one before."""

    def __init__(self, firmware: Firmware) -> None:
        self._firmware = firmware

    def to_host(self, data: bytes) -> Iterator[bytes]:
        if data.startswith(b"m-infer-start"):
            self._firmware.inference_us = self._firmware.inference_us * 3 // 2
        yield data


def test_a_clock_that_is_not_steady(
    tmp_path: Path, cache: Path, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    firmware = Firmware(network("kws"), jitter_us=0)
    with FakeBoard(firmware, tmp_path, Ageing(firmware)):
        ends(tmp_path, capsys, "unsteady clock")


def test_a_timer_that_counts_in_another_unit(
    tmp_path: Path, cache: Path, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a board that is real, and takes its time, this machine's clock tells."""
    firmware = Firmware(network("kws"), paced=True, inference_us=20_000)
    with FakeBoard(firmware, tmp_path, WrongUnit(Random(1))):
        ends(tmp_path, capsys, "wrong unit", "--window", "0.3")


def test_a_board_whose_clock_is_right_is_measured(
    tmp_path: Path, cache: Path, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    firmware = Firmware(network("kws"), paced=True, inference_us=20_000)
    with FakeBoard(firmware, tmp_path) as fake:
        given = options(fake.port, tmp_path / "results", "nucleo-l4r5zi")
        assert main([*given, "--window", "0.3"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"latency +20 ms +measured", shown)


@pytest.mark.parametrize("kind", RECOVERIES)
def test_the_log_says_what_was_asked_for_again(
    tmp_path: Path, cache: Path, impatient: None, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    with board(kind, tmp_path) as fake:
        assert main(options(fake.port, tmp_path / "results")) == 0
    (log,) = (tmp_path / "results").glob("*/log.txt")
    again = [
        entry.text
        for entry in transcript.read(log.read_bytes(), "log.txt")
        if entry.source == "session" and entry.text.startswith("again, as ")
    ]
    assert any(RECOVERIES[kind] in text for text in again), again
    assert capsys.readouterr().err == ""


def test_the_page_of_faults_lists_what_is_said(repository: Path) -> None:
    page = (repository / "site/docs/board-faults.md").read_text()
    table = page.partition("## What ends a run")[2].partition("## Power analysers")[0]
    listed = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    said = {f"{PORT}: {error}" for error, _ in (ERRORS | OTHERS).values()}
    assert sorted(listed) == sorted(said)


class Meanwhile(Line):
    """Something happens elsewhere while the board says a certain line."""

    def __init__(self, at: int, happens: Callable[[], object]) -> None:
        self._left, self._happens = at, happens

    def to_host(self, data: bytes) -> Iterator[bytes]:
        self._left -= 1
        if self._left == 0:
            self._happens()
        yield data


MIDDLE = 680
"""A line of the board at which five windows and some inferences are done."""
UNLIMITED = resource.RLIM_INFINITY


def start(port: str, output: Path, file_bytes: int = UNLIMITED) -> subprocess.Popen[str]:
    """The command as a process of its own; no file that it writes gets longer than so many bytes."""
    code = "import sys; from tinybench.cli import main; sys.exit(main())"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (file_bytes, UNLIMITED))
    return subprocess.Popen(
        [sys.executable, "-B", "-c", code, *options(port, output)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=limit,
    )


def go_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Firmware, bytes]:
    """The same command on a board that is well: what it still had to do, and the log."""
    firmware = Firmware(network("kws"))
    with FakeBoard(firmware, folder) as fake:
        assert main(options(fake.port, folder / "again")) == 0, capsys.readouterr().err
    (log,) = (folder / "again").glob("*/log.txt")
    return firmware, log.read_bytes()


def begun(log: bytes) -> int:
    """How many runs a log tells of."""
    entries = transcript.read(log, "log.txt")
    return sum(entry.source == "session" and entry.text.startswith("begin ") for entry in entries)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "\ninterrupted\n"), (signal.SIGTERM, 143, ""), (signal.SIGKILL, -9, "")],
    ids=["Ctrl-C", "terminated", "killed"],
)
def test_a_run_that_is_stopped_goes_on_from_there(
    tmp_path: Path,
    cache: Path,
    impatient: None,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
    code: int,
    said: str,
) -> None:
    children: list[subprocess.Popen[str]] = []
    firmware = Firmware(network("kws"))
    line = Meanwhile(MIDDLE, lambda: children[0].send_signal(number))
    with FakeBoard(firmware, tmp_path, line) as fake:
        children.append(start(fake.port, tmp_path / "results"))
        out, err = children[0].communicate(timeout=60)
    assert (children[0].returncode, err, out) == (code, said, "")
    assert not (tmp_path / "results").exists()

    rest, log = go_on(tmp_path, capsys)
    assert len(rest.windows) < 8
    assert len(firmware.windows) + len(rest.windows) <= 5 + 8 + 1 + 1
    assert begun(log) == 2


def test_a_full_disk_is_one_line_and_costs_nothing(
    tmp_path: Path, cache: Path, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit on the size of files is what every user can set; the kernel refuses as on a full disk."""
    firmware = Firmware(network("kws"))
    with FakeBoard(firmware, tmp_path) as fake:
        child = start(fake.port, tmp_path / "results", 6_000)
        out, err = child.communicate(timeout=60)
    (log_path,) = cache.glob("boards/*/log.txt")
    error, hint = err.splitlines()
    # The second is what the kernel says if not even the first byte of a line fits.
    assert error.removeprefix(f"error: cannot write {log_path}: ") in (
        "no space left on device",
        "File too large",
    )
    assert hint == (
        "hint: free the disk, or set TINYBENCH_CACHE, and run the same command: what was measured is kept"
    )
    assert (child.returncode, out) == (2, "")
    assert log_path.stat().st_size == 6_000

    rest, log = go_on(tmp_path, capsys)
    assert len(rest.windows) < 8
    assert begun(log) == 2


def test_a_place_that_is_lost_for_the_result_costs_no_measurement(
    tmp_path: Path, cache: Path, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "results"
    with FakeBoard(Firmware(network("kws")), tmp_path, Meanwhile(MIDDLE, output.touch)) as fake:
        assert main(options(fake.port, output)) == 2
    first, hint = capsys.readouterr().err.splitlines()
    assert first.startswith("error: ")
    assert str(output) in first
    assert "--output" in hint
    rest, _ = go_on(tmp_path, capsys)
    assert rest.windows == []
