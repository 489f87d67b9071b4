from __future__ import annotations

from pathlib import Path

import pytest

from fakes import World
from tinybench.boards import flashing
from tinybench.cli import main
from tinybench.runners.base import Bench


@pytest.fixture
def on_a_board(world: World) -> World:
    world.runner.runs_on = "board"
    return world


def bench_of(world: World, *options: str) -> Bench:
    assert main(["run", "demo", "--runner", "fake", "--device", "demo-board", *options]) == 0
    bench = world.runner.seen[-1].setup.bench
    assert bench is not None
    return bench


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert main(["run", "demo", "--runner", "fake", *options]) == 2
    return capsys.readouterr().err.splitlines()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_port_alone_is_a_bench_by_the_rules(on_a_board: World) -> None:
    assert bench_of(on_a_board, "--port", "/dev/ttyX") == Bench(port="/dev/ttyX")


def test_every_option_reaches_the_runner(
    on_a_board: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flashing, "check", lambda path, device: "chip")
    engine = tmp_path / "engine.toml"
    engine.write_text('name = "TFLite Micro"\nversion = "2.17"\nflags = ["-O3"]\n')
    bench = bench_of(
        on_a_board,
        *("--port", "/dev/ttyX", "--baud", "9600", "--meter", "ppk2:/dev/ttyY", "--supply", "1.8"),
        *("--runs", "energy, performance", "--flash", "f.elf", "--probe", "0123", "--engine", str(engine)),
        *("--window", "2.5", "--fresh"),
    )
    assert (bench.baud, bench.meter, bench.supply_v) == (9600, "ppk2:/dev/ttyY", 1.8)
    assert bench.runs == ("performance", "energy")
    assert (bench.flash, bench.probe, bench.window_s, bench.resume) == (Path("f.elf"), "0123", 2.5, False)
    assert bench.engine is not None
    assert (bench.engine.name, bench.engine.version, bench.engine.kernels) == ("TFLite Micro", "2.17", None)
    assert bench.engine.flags == ("-O3",)


def test_the_home_folder_is_known_in_every_path(
    on_a_board: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flashing, "check", lambda path, device: "chip")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "engine.toml").write_text('name = "TFLite Micro"\n')
    paths = ("--recording", "~/r.csv", "--flash", "~/f.elf", "--engine", "~/engine.toml")
    bench = bench_of(on_a_board, "--port", "/dev/ttyX", *paths)
    assert (bench.recording, bench.flash) == (tmp_path / "r.csv", tmp_path / "f.elf")
    assert bench.engine is not None


def test_an_engine_may_be_a_name_alone(on_a_board: World) -> None:
    bench = bench_of(on_a_board, "--port", "/dev/ttyX", "--engine", "STM32Cube.AI")
    assert bench.engine is not None
    assert (bench.engine.name, bench.engine.version) == ("STM32Cube.AI", None)


def test_a_broken_engine_file_is_named(
    on_a_board: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "e.toml").write_text("version = 3\n")
    said = refused(capsys, "--port", "/dev/ttyX", "--engine", "e.toml")
    assert said[0].startswith("error: --engine e.toml: name: field required")
    said = refused(capsys, "--port", "/dev/ttyX", "--engine", "none.toml")
    assert said[0] == "error: none.toml is missing"


def test_options_of_a_board_need_a_port(on_a_board: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "--meter", "ppk2")[0] == "error: --meter is for a board on the desk"
    assert refused(capsys, "--fresh")[0] == "error: --fresh is for a board on the desk"


def test_an_unknown_run_is_told(on_a_board: World, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--port", "/dev/ttyX", "--runs", "performance,acuracy")
    assert said == [
        "error: unknown run 'acuracy'",
        "hint: did you mean 'accuracy'? known: accuracy, energy, performance",
    ]


def test_a_board_needs_a_port(on_a_board: World, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys)
    assert said[0] == "error: the runner 'fake' measures a board: say where the board is"
    assert "--port" in said[1]


def test_only_a_board_has_a_port(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--port", "/dev/ttyX")
    assert said[0] == "error: the runner 'fake' simulates a device and takes no port"


def test_nothing_is_copied_to_the_ram_of_a_board(
    on_a_board: World, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "--port", "/dev/ttyX", "--code", "ram", "--device", "demo-board")
    assert said[0] == "error: the runner 'fake' measures a board, where it copies nothing from flash to RAM"


def test_firmware_is_only_written_to_a_board_that_is_named(
    on_a_board: World, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "--port", "/dev/ttyX", "--flash", "firmware.elf")
    assert said[0] == "error: firmware is only written to a board that is named"
    assert "--device" in said[1]


def test_firmware_that_cannot_be_written_is_found_before_data_is_read(
    on_a_board: World, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "--device", "demo-board", "--port", "/dev/ttyX", "--flash", "firmware.txt")
    assert said[0].startswith("error: firmware.txt is no firmware")
    assert on_a_board.runner.seen == []
