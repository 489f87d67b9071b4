from __future__ import annotations

import json

import pytest

from fakes import World, clear_specs
from tinybench.cli import main


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("tasks", ["demo", "90.0 %", "demo-board"]),
        ("runners", ["fake", "figures for tests"]),
        ("devices", ["demo-board", "demo-chip", "100 MHz", "1.0 MiB", "128.0 KiB"]),
        ("models", ["demo", "Demo model", "Apache-2.0"]),
    ],
)
def test_tables(world: World, capsys: pytest.CaptureFixture[str], kind: str, expected: list[str]) -> None:
    assert main(["list", kind]) == 0
    out = capsys.readouterr().out
    for text in expected:
        assert text in out


@pytest.mark.parametrize("kind", ["tasks", "runners", "devices", "models"])
def test_json(world: World, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    assert main(["list", kind, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row.get("id", row.get("name")) in ("demo", "demo-board", "fake")


def test_json_of_devices_is_in_si_units(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    main(["list", "devices", "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["clock_hz"], row["flash_bytes"], row["ram_bytes"]) == (100_000_000, 2**20, 2**17)


def test_a_narrow_terminal_drops_columns_before_it_breaks_names(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tinybench.cli import _console

    monkeypatch.setattr(_console, "_PIPED_WIDTH", 60)
    assert main(["list", "devices"]) == 0
    out = capsys.readouterr().out
    assert "vendor" not in out
    for whole in ("demo-board", "100 MHz", "1.0 MiB", "128.0 KiB"):
        assert whole in out
    monkeypatch.setattr(_console, "_PIPED_WIDTH", 30)
    assert main(["list", "devices"]) == 0
    assert "\n  vendor: nobody\n" in capsys.readouterr().out


def test_nothing_to_list(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (world.root / "runners/devices/demo-board.toml").unlink()
    clear_specs()
    assert main(["list", "devices"]) == 0
    assert capsys.readouterr().out == "no devices\n"


def test_unknown_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "boards"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: Invalid value")
    assert "hint: run 'tinybench list --help'" in err


def test_broken_content_stops_the_listing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    path = world.root / "tasks/demo/task.toml"
    path.write_text(path.read_text().replace("target = 0.9", "target = 2"))
    clear_specs()
    assert main(["list", "tasks"]) == 2
    assert f"error: {path}: target: " in capsys.readouterr().err
