from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from board_evidence import measured_vww
from evidence_fixtures import measured_kws
from fakes import FakeRunner, World
from tinybench.cli import _main, main
from tinybench.cli._console import Column, echo_json, print_table
from tinybench.cli.run import LAYER_COLUMNS, METRIC_COLUMNS, show
from tinybench.errors import SimulationError
from tinybench.progress import Progress
from tinybench.results.schema import Unavailable
from tinybench.runners.base import Measurement, Workload


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def run(*options: str) -> int:
    return main(["run", "demo", "--runner", "fake", *options])


def test_table_says_what_was_measured_and_where_it_is(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    out, err = capsys.readouterr()
    (path,) = (folder / "results").glob("*.json")
    flat = " ".join(out.split())
    for expected in (
        "demo 1.0.0",
        "demo-board (demo-chip, cortex-m4, 100 MHz)",
        "fake engine 1.0, none 0",
        "cc 1, -O3 -DX[1]",
        "smoke: 10 samples of demo-data",
        "accuracy (top-1) 95.0 % simulated 95 % CI 90.0 % to 97.0 %",
        "the target of 90.0 % is for the whole official split",
        "latency 12.35 ms simulated",
        "tensor arena 2.0 KiB simulated from the [fake] interpreter",
        "cycles 1.235 M simulated",
        "no energy per inference: the [demo] board has no meter",
        "accuracy on the smoke split: 10 synthetic samples",
        "not publishable",
        f"result: results/{path.name}",
        "advice: the official data is not here; fetch it with 'tinybench data fetch demo'",
    ):
        assert expected in flat
    assert "FULLY_CONNECTED" not in out
    assert err == ""


@pytest.mark.parametrize(
    ("accuracy", "verdict"), [(0.95, "target 90.0 % met"), (0.5, "target 90.0 % not met")]
)
def test_target_on_the_official_split(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str], accuracy: float, verdict: str
) -> None:
    world.official_present = True
    world.runner.accuracy = accuracy
    assert run() == 0
    assert verdict in " ".join(capsys.readouterr().out.split())


def test_no_advice_where_smoke_was_asked_for(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--split", "smoke") == 0
    assert "advice" not in capsys.readouterr().out


def test_no_verdict_on_the_target_for_a_part_of_the_split(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.official_present = True
    assert run("--limit", "3") == 0
    assert "the target of 90.0 % is for the whole official split" in " ".join(capsys.readouterr().out.split())


def test_clock(world: World, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--clock", "80 MHz") == 0
    assert "cortex-m4, 80 MHz)" in capsys.readouterr().out
    assert run("--clock", "fast") == 2
    assert capsys.readouterr().err.startswith("error: 'fast' is not a clock\nhint: ")


def test_layers(world: World, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--layers") == 0
    flat = " ".join(capsys.readouterr().out.split())
    assert "0 FULLY_CONNECTED dense[0] 1,234,567 1,000,000 8 154320.88 100.0 %" in flat


def test_json_is_the_file(world: World, folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("--json", "--output", "mine.json") == 0
    out, err = capfdbinary.readouterr()
    assert out == (folder / "mine.json").read_bytes()
    assert err == b""


def test_options_reach_the_run(world: World, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--device",
        "demo-board",
        "--model",
        "demo",
        "--split",
        "smoke",
        "--limit",
        "4",
        "--samples",
        "2",
    ]
    assert run(*options, "--offline", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["data"]["limit"] == 4
    assert world.runner.seen[0].setup.checked_inputs == 2


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["run", "demmo"], "unknown task 'demmo'", "did you mean 'demo'?"),
        (["run", "demo", "--runner", "faxe"], "unknown runner 'faxe'", "did you mean 'fake'?"),
        (["rum", "demo"], "unknown command 'rum'", "did you mean 'run'?"),
        (["run"], "Missing argument 'TASK'.", "tinybench run --help"),
        (["run", "demo", "--limit", "0"], "Invalid value for '--limit'", "tinybench run --help"),
        (["run", "demo", "--samples", "x"], "Invalid value for '--samples'", "tinybench run --help"),
        (["run", "demo", "--runer", "x"], "No such option", "tinybench run --help"),
        (["--nope"], "No such option", "tinybench --help"),
    ],
)
def test_wrong_input_is_exit_2_with_two_lines(
    world: World,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    hint: str,
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    first, second = err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("hint: ")
    assert hint in second
    assert out == ""
    assert list(folder.iterdir()) == []


def test_unwritable_output_is_exit_2(world: World, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "file").write_text("")
    assert run("--output", "file") == 2
    assert "error: file is a file, not a folder" in capsys.readouterr().err


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (
            SimulationError("the core faulted", hint="look at the log"),
            1,
            "error: the core faulted\nhint: look at the log",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "error: out of memory"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/x/y"),
            1,
            "error: no space left on the disk: /x/y",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 1, "error: Permission denied: /x/y"),
        (ZeroDivisionError("division\nby zero"), 1, "error: unexpected ZeroDivisionError: division by zero"),
        (SystemExit(143), 143, ""),
    ],
)
def test_failures_are_one_line_and_leave_nothing(
    world: World,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    says: str,
) -> None:
    world.runner.during = failing(error)
    assert run() == code
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err
    assert list(folder.iterdir()) == []


def test_unexpected_errors_say_how_to_get_the_traceback(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.runner.during = failing(ZeroDivisionError("x"))
    run()
    assert "TINYBENCH_DEBUG=1" in capsys.readouterr().err
    monkeypatch.setenv("TINYBENCH_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run()


def test_what_a_file_says_cannot_drive_the_terminal(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.runner.during = failing(SimulationError("tensor 'a\nb\x1b[2Jc\u202e'", hint="x\x07\r\ny"))
    assert run() == 1
    assert capsys.readouterr().err == "error: tensor 'a b\\x1b[2Jc\\u202e'\nhint: x\\x07 y\n"


def test_tables_spell_control_characters_out(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nasty = "a\x1b]0;owned\x07[bold]\x9b2J\nb"

    def measure(workload: Workload, progress: Progress) -> Measurement:
        found = FakeRunner().measure(workload)
        layer = found.layers[0].model_copy(update={"name": nasty, "operator": nasty})
        metrics = (found.metrics[0].model_copy(update={"note": nasty}), *found.metrics[1:])
        engine = found.engine.model_copy(update={"kernels": nasty})
        missing = (Unavailable(name="energy.per_inference", reason=nasty),)
        return replace(
            found, layers=(layer,), metrics=metrics, notes=(nasty,), engine=engine, unavailable=missing
        )

    monkeypatch.setattr(world.runner, "measure", measure)
    assert run("--layers") == 0
    out = capsys.readouterr().out
    assert not set(out) & {"\x1b", "\x07", "\x9b"}
    assert out.count("owned") == 5  # heading, remark, operator, missing, note
    assert "note: a\\x1b]0;owned\\x07[bold]\\x9b2J b\n" in out


def shown_at(width: int, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_table(console, columns, rows)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


LAYERS = [
    (
        str(i),
        "DEPTHWISE_CONV_2D",
        f"network/block{i}/depthwise/Relu6",
        "2,345,678",
        "1,876,543",
        "1,234,567",
        "10.00",
        "12.3 %",
    )
    for i in range(12)
]
METRICS = [
    ("energy per inference", "5.034 mJ", "predicted", "supply rail of the board while the core runs"),
    ("accuracy (top-1)", "85.1 %", "simulated", "95 % CI 78.6 % to 89.8 %"),
]


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize(("columns", "rows"), [(LAYER_COLUMNS, LAYERS), (METRIC_COLUMNS, METRICS)])
def test_figures_are_whole_at_every_width(
    width: int, columns: Sequence[Column], rows: Sequence[Sequence[str]]
) -> None:
    out = shown_at(width, columns, rows)
    assert "…" not in out
    for row in rows:
        for column, text in zip(columns, row, strict=True):
            assert text in out or not column.figure


def test_layers_at_80_columns_are_a_table_without_names() -> None:
    lines = shown_at(80, LAYER_COLUMNS, LAYERS[:1]).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "operator" in lines[1]
    assert "name" not in lines[1]
    assert "name" in shown_at(140, LAYER_COLUMNS, LAYERS[:1])


def test_a_result_with_energy_names_the_power_analyser(capsys: pytest.CaptureFixture[str]) -> None:
    metered, _ = measured_vww()
    show(metered, layers=False)
    out = " ".join(capsys.readouterr().out.split())
    assert "Joulescope JS220, 1000 samples/s, 3.3 V measured, windows by edges" in out
    assert "energy per inference above idle" in out
    timed, _ = measured_kws()
    show(timed, layers=False)
    assert "analyser" not in capsys.readouterr().out


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [("list tasks", 0), ("--help", 0), ("--version", 0), ("list nothing", 2), ("rum", 2)],
)
def test_closed_streams(tmp_path: Path, closed: str, arguments: str, code: int) -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m tinybench {arguments} {closed}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == code, done.stderr
    assert "bug" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", ["list tasks", "--version", "--help", "list tasks --json"])
def test_a_full_disk_behind_stdout_is_not_blamed_on_the_cache(tmp_path: Path, arguments: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m tinybench {arguments} > /dev/full"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr == "error: cannot write to standard output: No space left on device\n"


def test_json_of_names_that_are_not_utf8(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    echo_json({"path": "caf\udce9"})
    assert json.loads(capfdbinary.readouterr().out) == {"path": "caf\udce9"}


def test_progress_is_drawn_on_a_terminal_only(world: World, folder: Path) -> None:
    pty = pytest.importorskip("pty")
    controller, terminal = pty.openpty()
    code = (
        "from tinybench.cli._console import progress\n"
        "with progress() as report:\n    report('execute', 1, 2)\n    report('execute', 2, 2)\n"
    )
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=terminal, env=environment, check=True
    )
    os.close(terminal)
    drawn = b""
    with contextlib.suppress(OSError):  # a terminal that is closed on the other side ends with an error
        while chunk := os.read(controller, 65536):
            drawn += chunk
    os.close(controller)
    assert done.stdout == b""
    assert b"execute" in drawn
    quiet = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (quiet.stdout, quiet.stderr) == (b"", b"")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    command = f"'{sys.executable}' -c 'from tinybench.cli import main; raise SystemExit(main())' --help"
    done = subprocess.run(
        ["bash", "-c", f"{command} | true"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stderr == ""


def test_sigterm_stops_with_its_code_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, click\n"
        "from tinybench.cli import _main\n"
        "@_main.group.command('hang')\n"
        "def hang():\n"
        "    try:\n        os.kill(os.getpid(), signal.SIGTERM); signal.pause()\n"
        "    finally:\n        print('cleaned up')\n"
        "_main.VerbGroup.get_command = lambda *a: hang\n"
        "_main.verbs = lambda: {'hang': ''}\n"
        "sys.exit(_main.main(['hang']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == (143, "cleaned up\n", "")


def test_help_lists_every_verb_without_importing_them() -> None:
    code = (
        "import sys; from tinybench.cli import main; code = main(['--help']);"
        "verbs = [m for m in sys.modules if m.startswith('tinybench.cli.') and '._' not in m];"
        "heavy = {'rich', 'numpy', 'pydantic', 'httpx', 'unicorn', 'scipy'} & set(sys.modules);"
        "sys.exit(' '.join([*verbs, *heavy]) or code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for verb, module in _main.verbs().items():
        assert re.search(rf"^  {verb} +\S.*", done.stdout, re.MULTILINE), verb
        assert _main.short_help(module)


def test_every_verb_has_a_command_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in _main.verbs():
        assert main([verb, "--help"]) == 0
        assert f"Usage: tinybench {verb}" in capsys.readouterr().out


def test_a_module_without_a_command_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_main, "verbs", lambda: {"odd": "tinybench.errors"})
    assert main(["odd"]) == 2


def test_bare_command_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "\nCommands:\n" in err
    assert "error:" not in err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from tinybench import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tinybench {__version__}\n"


def test_installed_command_and_module(tmp_path: Path) -> None:
    for command in ([str(Path(sys.executable).with_name("tinybench"))], [sys.executable, "-m", "tinybench"]):
        done = subprocess.run(
            [*command, "run", "kwz"], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 2
        assert done.stderr.startswith("error: unknown task 'kwz'\nhint: did you mean 'kws'?")


def test_a_duty_is_printed_below_and_is_not_in_the_result(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--duty", "10/s", "--output", "with.json") == 0
    out = capsys.readouterr().out
    assert "duty: 10 inferences/s, 12.3 % of the time active; no average power: the energy of an" in out
    assert "duty" not in (folder / "with.json").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--duty", "hourly"], "'hourly' is not a duty"),
        (["--battery", "CR2032", "--duty", "1/s"], "unknown battery 'cr2032'"),
        (["--duty", "1/s", "--json"], "a result file has no duty"),
    ],
)
def test_a_wrong_duty_is_found_before_the_run(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert run(*options) == 2
    assert f"error: {says}" in capsys.readouterr().err
    assert world.runner.seen == []
    assert list(folder.iterdir()) == []
