"""``tinybench models``: what people and programs see of a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tflite_builder import Builder, small_model
from tinybench import specs
from tinybench.cli import main
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter


def test_both_ways_to_list_are_one(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for arguments in (["models", "list"], ["list", "models"]):
        for options in ([], ["--json"]):
            assert main([*arguments, *options]) == 0
            printed.append(capsys.readouterr().out)
    assert printed[:2] == printed[2:]
    rows = {row["id"]: row for row in json.loads(printed[1])}
    assert rows["kws"]["state"] == "present"
    assert rows["mlperf-kws"]["state"] == "absent"


def test_show_of_a_reference_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "kws"]) == 0
    out = capsys.readouterr().out
    spec = specs.model("kws")
    for text in (
        "2,656,768 MACs, 22,604 parameters",
        "int8 1x49x10x1, scale",
        "per channel (64)",
        "per tensor",
        "64x10x4x1",
        "Apache-2.0",
        spec.sha256,
        "tensorflow   2.21.0",
        "yes: its accuracy there is never published",
        "speech-commands-custom test",
        "89.8 %",
    ):
        assert text in out


def test_json_holds_the_whole_graph(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "kws", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    model, graph = Model.load(specs.model("kws").path), document["graph"]
    assert document["reference"]["provenance"]["seen_official_test"] is True
    assert [operator["kind"] for operator in graph["operators"]] == [o.kind for o in model.operators]
    assert sum(operator["macs"] for operator in graph["operators"]) == model.macs
    assert sum(operator["parameters"] for operator in graph["operators"]) == model.parameters
    assert graph["arena_bytes"] == Interpreter(model).arena_bytes()
    assert graph["bytes"] == len(model.data)
    entry = graph["tensors"][graph["input"]]
    assert (entry["shape"], entry["dtype"], entry["constant"]) == ([1, 49, 10, 1], "int8", False)
    assert (entry["scales"], entry["zero_points"]) == ([model.input.scale], [model.input.zero_point])
    kernel = graph["tensors"][graph["operators"][0]["inputs"][1]]
    assert len(kernel["scales"]) == len(kernel["zero_points"]) == 64
    assert kernel["axis"] == 0


def test_show_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    assert main(["models", "show", str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["name"] == "small"
    assert document["reference"] is None
    assert main(["models", "show", str(path)]) == 0
    out = capsys.readouterr().out
    assert "CONV_2D" in out
    assert "licence" not in out


def test_names_from_the_file_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    b = Builder()
    source = b.tensor((1, 4))
    out = b.tensor((1, 4), name="\x1b[31m[red]owned\x07\n")
    path = tmp_path / "hostile.tflite"
    path.write_bytes(b.finish(source, b.operator("RELU", [source], [out])))
    assert main(["models", "show", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[red]owned" in shown.replace("\n", "")


def test_a_model_that_is_not_run_is_shown_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    b = Builder()
    source, out = b.tensor((1, 4)), b.tensor((1, 4))
    path = tmp_path / "odd.tflite"
    path.write_bytes(b.finish(source, b.operator("HASHTABLE", [source], [out])))
    assert main(["models", "show", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "HASHTABLE" in shown
    assert "has no kernel in the simulator" in " ".join(shown.split())


def test_show_of_a_model_that_is_not_here(data_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "mlperf-kws"]) == 0
    out = capsys.readouterr().out
    assert "raw.githubusercontent.com/mlcommons/tiny/" in out
    assert "fetch it with 'tinybench models fetch mlperf-kws'" in out
    assert main(["models", "show", "mlperf-kws", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["graph"] is None


@pytest.mark.parametrize("verb", ["run", "profile"])
def test_a_model_that_is_not_here_stops_a_run(
    data_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert main([verb, "kws", "--model", "mlperf-kws"]) == 2
    err = capsys.readouterr().err
    assert err.splitlines() == [
        "error: model 'mlperf-kws' is not on this machine",
        "hint: fetch it with 'tinybench models fetch mlperf-kws'",
    ]


def test_an_official_model_is_imported_and_used(
    shared_data: Path, data_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = shared_data / "mlperf_models/kws_ref_model.tflite"
    assert main(["models", "fetch", "mlperf-kws", "--from", str(file), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["state"]) == ("mlperf-kws", "present")
    assert main(["profile", "mlperf-kws", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["sha256"] == row["sha256"]


def test_from_takes_one_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["models", "fetch", "kws", "mlperf-kws", "--from", str(tmp_path / "x")]) == 2
    assert "--from takes one model" in capsys.readouterr().err


def test_unknown_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "fetch", "mlperf-kw"]) == 2
    assert "did you mean 'mlperf-kws'?" in capsys.readouterr().err
