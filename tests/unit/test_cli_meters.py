"""``tinybench meters``: what people and programs see."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from evidence_logs import trace_bytes
from tinybench.cli import main
from tinybench.errors import MeterError, UsageError
from tinybench.meters import registry
from tinybench.meters.base import Found

MILLIWATTS = [10.0] * 1000 + [50.0] * 1000 + [20.0] * 500 + [60.0] * 1000 + [50.0] * 0 + [10.0] * 500
EDGES = [0.5, 0.9995, 1.9995, 2.4995, 3.4995]

TABLE = """\
trace     {path}
format    EEMBC energy runner
recorded  4.000 s at 1000 samples/s

  phase         start      time          energy        power   per inference      above idle
 ────────────────────────────────────────────────────────────────────────────────────────────
  before      0.000 s   1.000 s   10,000.000 µJ   10.0000 mW
  inference   1.000 s   1.000 s   50,000.000 µJ   50.0000 mW    5,000.000 µJ   40,000.000 µJ
  between     2.000 s   0.500 s   10,000.000 µJ   20.0000 mW
  inference   2.499 s   1.000 s   60,000.000 µJ   60.0000 mW    6,000.000 µJ   50,000.000 µJ
  after       3.499 s   0.500 s    5,000.000 µJ   10.0000 mW

median energy of a window: 55,000.000 µJ
median energy per inference: 5,500.000 µJ
median above idle, per inference: 4,500.000 µJ
idle: 10.0000 mW in the first 0.5 s; no energy but 'above idle' is without it
"""


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace1-energy.bin"
    path.write_bytes(trace_bytes(MILLIWATTS))
    path.with_name("trace1-timestamps.json").write_text(json.dumps(EDGES))
    return path


def test_the_energy_of_each_phase(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meters", "energy", str(trace), "--inferences", "10"]) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    shown = "\n".join(lines).replace(str(trace), "{path}") + "\n"
    assert shown == TABLE


def test_json_holds_all_figures_in_si_units(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meters", "energy", str(trace), "--inferences", "10", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["median_energy_per_inference_j"] == pytest.approx(0.0055)
    assert (document["windows"], document["inferences"]) == (2, 10)
    assert document["median_above_baseline_per_inference_j"] == pytest.approx(0.0045)
    assert document["baseline_w"] == pytest.approx(0.01)
    assert [phase["phase"] for phase in document["phases"]] == [
        "before",
        "inference",
        "between",
        "inference",
        "after",
    ]
    assert document["phases"][1]["energy_per_inference_j"] == pytest.approx(0.005)
    assert document["phases"][1]["above_baseline_j"] == pytest.approx(0.04)
    assert document["phases"][0]["above_baseline_j"] is None


def test_without_inferences_and_without_idle_time(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edges = tmp_path / "edges.json"
    edges.write_text("[0.0995, 1.0995]")
    assert main(["meters", "energy", str(trace), "--edges", str(edges)]) == 0
    out = capsys.readouterr().out
    assert "per inference" not in out
    assert "above idle" not in out
    assert "idle: not known" in out
    assert "median energy of a window: 14,000.000 µJ" in out


def test_csv_needs_a_voltage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ppk.csv"
    rows = "".join(f"{k},1000,{int(k not in (2, 6))}\n" for k in range(10))
    path.write_text("Timestamp(ms),Current(uA),D0\n" + rows)
    assert main(["meters", "energy", str(path)]) == 2
    assert "holds no voltage" in capsys.readouterr().err
    assert main(["meters", "energy", str(path), "--supply", "3"]) == 0
    assert "12.000 µJ" in capsys.readouterr().out
    assert main(["meters", "energy", str(path), "--supply", "-3"]) == 2
    assert main(["meters", "energy", str(path), "--supply", "nan"]) == 2


@pytest.mark.parametrize(
    ("edges", "message"), [(None, "has no edges"), ("[1, 9]", "go from 1 to 9 s"), ("{}", "is no list")]
)
def test_edges_that_do_not_fit(
    trace: Path, edges: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trace.with_name("trace1-timestamps.json").unlink()
    options = []
    if edges is not None:
        other = trace.with_name("edges.json")
        other.write_text(edges)
        options = ["--edges", str(other)]
    assert main(["meters", "energy", str(trace), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meters", "energy", "/nowhere/x.csv"]) == 2
    assert "/nowhere/x.csv: cannot be read" in capsys.readouterr().err


class Wattmeter:
    name = "wattmeter"
    interface = 1
    summary = "for tests"

    def check(self) -> None: ...

    def find(self) -> tuple[Found, ...]:
        return (
            Found(address="/dev/ttyX0", title="Wattmeter 7"),
            Found(address="/dev/ttyX1", title="Wattmeter 8", problem="/dev/ttyX1 may not be opened: \x1b[2J"),
        )

    def open(self, address: str | None, settings: object) -> None: ...


class Absent(Wattmeter):
    name = "absent"

    def check(self) -> None:
        raise UsageError("it needs the package watt, which is missing", hint="pip install watt")


class Silent(Wattmeter):
    name = "silent"

    def find(self) -> tuple[Found, ...]:
        raise MeterError("its app does not run", hint="start it")


class Unplugged(Wattmeter):
    name = "unplugged"

    def find(self) -> tuple[Found, ...]:
        return ()


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = (Absent, Silent, Unplugged, Wattmeter)
    group = registry.PLUGINS.group
    entries = {kind.name: EntryPoint(kind.name, f"{__name__}:{kind.__name__}", group) for kind in classes}
    monkeypatch.setattr(registry.PLUGINS, "entries", entries)
    monkeypatch.setattr(registry.PLUGINS, "_made", {})


LIST = """\

  kind        what it is   here
 ─────────────────────────────────────────────────────────────────────────────────────────────────
  absent      for tests    not known
  silent      for tests    not known
  unplugged   for tests    none
  wattmeter   for tests    wattmeter:/dev/ttyX0 (Wattmeter 7); wattmeter:/dev/ttyX1 (Wattmeter 8)

absent: it needs the package watt, which is missing
    fix: pip install watt
silent: its app does not run
    fix: start it
wattmeter: /dev/ttyX1 may not be opened: \\x1b[2J
"""


@pytest.mark.usefixtures("kinds")
def test_a_broken_one_is_named_beside_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {"broken": EntryPoint("broken", "no.such.module:Meter", registry.PLUGINS.group)}
    monkeypatch.setattr(registry.PLUGINS, "entries", {**registry.PLUGINS.entries, **broken})
    assert main(["meters"]) == 0
    out = capsys.readouterr().out
    assert "broken: power analyser 'broken' (no.such.module:Meter) cannot be loaded" in out
    assert "wattmeter:/dev/ttyX0 (Wattmeter 7)" in out


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_what_is_plugged_in_and_what_is_missing(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["meters", *arguments]) == 0
    out = capsys.readouterr().out
    assert "\n".join(line.rstrip() for line in out.splitlines()) + "\n" == LIST


@pytest.mark.usefixtures("kinds")
def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meters", "list", "--json"]) == 0
    absent, _, unplugged, wattmeter = json.loads(capsys.readouterr().out)
    assert absent == {
        "kind": "absent",
        "summary": "for tests",
        "problem": "it needs the package watt, which is missing",
        "fix": "pip install watt",
        "found": [],
    }
    assert unplugged["found"] == []
    assert wattmeter["found"][0] == {"address": "/dev/ttyX0", "title": "Wattmeter 7", "problem": None}


def test_the_kinds_that_come_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meters", "list", "--json"]) == 0
    kinds = {kind["kind"] for kind in json.loads(capsys.readouterr().out)}
    assert {"otii", "synthetic"} <= kinds
