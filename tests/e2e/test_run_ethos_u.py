"""An NPU needs no board and no data: one command, with pip alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from test_run_kws import tinybench_command

from tflite_builder import Builder, schema

pytest.importorskip("ethosu")

COMMAND = ("run", "vww", "--runner", "ethos-u", "--device", "ethos-u55-128", "--split", "golden")


def test_the_command_predicts_and_says_so(tmp_path: Path) -> None:
    done = tinybench_command(*COMMAND, "--output", "out", "--offline", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    figures = [line for line in done.stdout.splitlines() if " predicted " in line]
    assert [line.split()[0] for line in figures] == [
        "latency",
        "throughput",
        "tensor",
        "RAM",
        "flash",
        "cycles",
    ]
    assert "measured  " not in done.stdout
    assert "simulated  " not in done.stdout
    assert "no energy per inference: no published energy" in done.stdout
    (path,) = (tmp_path / "out").glob("*.json")
    result = json.loads(path.read_text())
    (row,) = csv.DictReader((path.with_suffix(".evidence") / "summary.csv").read_text().splitlines())
    found = {metric["name"]: metric["value"] for metric in result["metrics"]}
    assert found["cycles.per_inference"] == int(row["cycles_total"])
    assert found["latency.per_inference"] == float(row["inference_time"])
    assert result["device"]["accelerator"] == {"name": "Arm Ethos-U55-128", "clock_hz": 500_000_000}
    assert len(result["layers"]) == 31
    assert any(note.startswith("31 of 31 operators on the NPU") for note in result["notes"])


def test_a_float_model_is_refused(tmp_path: Path) -> None:
    b = Builder()
    source, out = (b.tensor(shape, dtype=schema.TensorType.FLOAT32) for shape in ((1, 96, 96, 3), (1, 2)))
    (tmp_path / "float.tflite").write_bytes(b.finish(source, b.operator("RELU", [source], [out])))
    done = tinybench_command(*COMMAND, "--model", "float.tflite", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "float.tflite has a tensor 0 'tensor0' that is float32, not int8" in done.stderr
    assert "full int8 quantisation" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--device", "nucleo-l4r5zi"), "nucleo-l4r5zi is no Ethos-U"),
        (("--clock", "100MHz"), "the clock of ethos-u55-128 is that of Vela's"),
        (("--code", "ram"), "an NPU reads what its memory mode says from flash"),
        (("--runner", "tflm-sim"), "ethos-u55-128 is an NPU, which has no core"),
    ],
)
def test_what_does_not_go_together_is_one_line(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = tinybench_command(*COMMAND, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {said}")
    assert len(done.stderr.splitlines()) == 2
