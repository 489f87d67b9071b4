"""``tinybench profile``: figures that add up, from any int8 model, in each of its formats."""

from __future__ import annotations

import builtins
import csv
import dataclasses
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import tinybench
from tflite_builder import small_model
from tinybench import specs
from tinybench.cli import main
from tinybench.errors import MismatchError, ModelError, UnknownNameError, UsageError
from tinybench.mcusim.simulate import Simulation
from tinybench.profiling import figures, measure

ADDED = ("cycles", "instructions", "stalls_fetch", "stalls_data", "stalls_ram")
ADDED += ("flash_reads", "ram_loads", "ram_stores")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(small_model())
    return path


@pytest.fixture(scope="module")
def profile(model: Path) -> tinybench.Profile:
    return tinybench.profile(model)


@pytest.mark.parametrize("field", ADDED)
def test_layers_and_functions_add_up_to_the_total(profile: tinybench.Profile, field: str) -> None:
    total = getattr(profile.total, field)
    for parts in (profile.layers, profile.functions, profile.layer_functions):
        assert sum(getattr(part, field) for part in parts) == total


def test_shares_and_energy_follow_the_cycles(profile: tinybench.Profile) -> None:
    assert sum(layer.share for layer in profile.layers) == pytest.approx(1)
    assert sum(function.share for function in profile.functions) == pytest.approx(1)
    assert profile.total.share == 1
    assert profile.latency_s == profile.total.cycles / 120e6
    energy = [layer.energy_j for layer in profile.layers]
    assert profile.total.energy_j == pytest.approx(sum(e for e in energy if e is not None))


def test_functions_are_sorted_and_named_once(profile: tinybench.Profile) -> None:
    cycles = [function.cycles for function in profile.functions]
    assert cycles == sorted(cycles, reverse=True)
    names = [function.name for function in profile.functions]
    assert len(names) == len(set(names))
    assert "arm_convolve_wrapper_s8" in names


def test_any_model_is_checked_on_seeded_inputs(profile: tinybench.Profile, model: Path) -> None:
    assert profile.checked_inputs == 8
    assert profile.device.id == "nucleo-l4r5zi"
    assert tinybench.profile(str(model)).to_json() == profile.to_json()


def test_a_wrong_output_ends_the_profile(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = measure.simulate

    def off_by_one(*args: Any, **kwargs: Any) -> Simulation:
        simulation = real(*args, **kwargs)
        outputs = simulation.outputs.copy()
        outputs[0, 0] ^= 1
        return dataclasses.replace(simulation, outputs=outputs)

    monkeypatch.setattr(measure, "simulate", off_by_one)
    with pytest.raises(MismatchError, match="output 0 of input 0"):
        tinybench.profile(model)


def test_a_device_without_a_current_has_no_energy_and_says_so(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = specs.device("nucleo-l4r5zi").model_copy(update={"power": None})
    monkeypatch.setattr(specs, "device", lambda name: board)
    made = tinybench.profile(model, duty_cycle="1/s", battery="CR2032")
    assert {part.energy_j for part in (made.total, *made.layers, *made.functions)} == {None}
    assert made.notes == ("no energy: the profile of nucleo-l4r5zi has no run current with a source",)
    assert made.duty is not None
    assert (made.duty.average_power_w, made.duty.battery) == (None, "cr2032")
    assert b",," not in made.to_csv().splitlines()[0]
    assert made.to_csv().splitlines()[1].endswith(b",")


def test_a_slower_clock_has_fewer_stalls(model: Path, profile: tinybench.Profile) -> None:
    slow = tinybench.profile(model, clock_hz=20_000_000)
    assert slow.device.clock_hz == 20_000_000
    assert slow.total.stalls_fetch == 0 < profile.total.stalls_fetch
    assert slow.total.instructions == profile.total.instructions


def test_a_task_stands_for_its_reference_model_and_device() -> None:
    device, found = measure._find("kws", None)
    assert device == specs.task("kws").default_device
    assert found.sha256 == specs.model(specs.task("kws").reference_model).sha256


@pytest.mark.parametrize(
    ("subject", "options", "error", "says"),
    [
        ("kwss", {}, UnknownNameError, "unknown task or model 'kwss'"),
        ("none.tflite", {}, ModelError, "does not exist"),
        ("none.tflite", {"model": "kws"}, UsageError, "the model is given twice"),
        ("kws", {"device": "nucleo"}, UnknownNameError, "unknown device"),
        ("kws", {"samples": 0}, UsageError, "samples must be at least 1"),
        ("kws", {"battery": "cr2032"}, UsageError, "needs a duty"),
        ("kws", {"duty_cycle": "often"}, UsageError, "'often' is not a duty"),
        ("kws", {"duty_cycle": "1/s", "battery": "cr1"}, UnknownNameError, "unknown battery"),
        ("kws", {"toolchain": "icc"}, UsageError, "icc"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_compiled(
    monkeypatch: pytest.MonkeyPatch, subject: str, options: dict[str, Any], error: type, says: str
) -> None:
    monkeypatch.setattr(measure, "build", lambda *_: pytest.fail("compiled"))
    with pytest.raises(error, match=says):
        tinybench.profile(subject, **options)


def test_a_duty_is_in_the_document(model: Path) -> None:
    made = tinybench.profile(model, duty_cycle="10/s")
    document = json.loads(made.to_json())
    assert document["schema"] == "tinybench.profile/1"
    assert document["duty"]["rate_hz"] == 10
    assert document["duty"]["active_fraction"] == pytest.approx(10 * made.latency_s)


def test_average_power_and_battery_life_are_printed(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board = specs.device("nucleo-l4r5zi")
    assert board.power is not None
    power = board.power.model_copy(update={"sleep_a": specs.Sourced(value=2e-6, source="no real one")})
    monkeypatch.setattr(specs, "device", lambda name: board.model_copy(update={"power": power}))
    assert main(["profile", str(model), "--duty", "1/min", "--battery", "CR2032"]) == 0
    flat = " ".join(capsys.readouterr().out.split())
    # 28.6 uJ a minute and 3.6 uW of sleep: 4.08 uW, 2.27 uA of 225 mAh.
    assert "else in sleep: 4.077 µW on average, predicted" in flat
    assert "battery: 11.3 years from cr2032, without self-discharge and losses" in flat
    assert "note: an inference draws 28.9 mA" in flat


def test_json_reads_back_as_the_same_profile(profile: tinybench.Profile) -> None:
    assert tinybench.Profile.model_validate_json(profile.to_json()) == profile


@pytest.mark.parametrize("functions", [False, True])
def test_csv_has_a_row_for_each_part(profile: tinybench.Profile, functions: bool) -> None:
    rows = list(csv.DictReader(io.StringIO(profile.to_csv(functions=functions).decode())))
    parts = profile.functions if functions else profile.layers
    assert [int(row["cycles"]) for row in rows] == [part.cycles for part in parts]
    assert ("calls" in rows[0]) is functions
    assert ("macs" in rows[0]) is not functions


def test_the_command_prints_tables_and_writes_files(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], profile: tinybench.Profile
) -> None:
    table = tmp_path / "layers.csv"
    options = ["--function", "--duty", "1/s", "--battery", "CR2032", "--csv", str(table)]
    assert main(["profile", str(model), *options]) == 0
    out, err = capsys.readouterr()
    flat = " ".join(out.split())
    for text in (
        "8 random inputs, bit for bit against TFLite Micro",
        "0 CONV_2D",
        f"total {profile.total.cycles:,} 100.0 %",
        f"{profile.total.flash_reads:,} {profile.total.ram_loads:,} {profile.total.ram_stores:,}",
        f"{profile.functions[0].name} {profile.functions[0].calls:,}",
        "duty: 1 inferences/s",
        f"written: {table}",
    ):
        assert text in flat
    assert table.read_bytes() == profile.to_csv(functions=True)
    assert err == ""


def test_the_command_prints_the_document(
    model: Path, capsysbinary: pytest.CaptureFixture[bytes], profile: tinybench.Profile
) -> None:
    assert main(["profile", str(model), "--json"]) == 0
    assert capsysbinary.readouterr() == (profile.to_json(), b"")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--figure", "x.png"], "x.png does not end in .svg"),
        (["--csv", "nowhere/x.csv"], "nowhere is not a folder"),
        (["--csv", "."], ". is a folder"),
        (["--duty", "9000/s"], "9000 inferences per second do not fit"),
    ],
)
def test_wrong_options_are_exit_2_and_leave_nothing(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["profile", str(model), *options]) == 2
    assert f"error: {says}" in capsys.readouterr().err.replace("--figure: ", "")
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_extra_is_named_before_the_run(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(measure, "build", lambda *_: pytest.fail("compiled"))
    assert main(["profile", str(model), "--figure", str(tmp_path / "x.svg")]) == 2
    assert "tinybench-suite[figures]" in capsys.readouterr().err


def test_the_figure_is_accessible_and_the_same_every_time(
    profile: tinybench.Profile, tmp_path: Path, model: Path
) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'figures' is not installed")
    strange = profile.model.model_copy(update={"name": "a<b & $x$ \x1b"})
    drawn = figures.svg(profile.model_copy(update={"model": strange}))
    assert drawn == figures.svg(profile.model_copy(update={"model": strange}))
    root = ET.fromstring(drawn)
    space = "{http://www.w3.org/2000/svg}"
    assert root.attrib["role"] == "img"
    title, description = root.find(f"{space}title"), root.find(f"{space}desc")
    assert title is not None
    assert description is not None
    assert str(title.text).startswith("a<b & $x$ ? on nucleo-l4r5zi (cortex-m4, 120 MHz)")
    assert profile.functions[0].name in str(description.text)
    assert "prefers-color-scheme: dark" in drawn.decode()
    words = {element.text for element in root.iter(f"{space}text")}
    assert {"0 CONV_2D", "Cycles per layer", "Functions within each layer"} <= words
    file = tmp_path / "f.svg"
    assert main(["profile", str(model), "--figure", str(file)]) == 0
    assert file.read_bytes() == figures.svg(profile)
