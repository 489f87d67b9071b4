"""The whole chain without hardware: reference firmware in QEMU, asked over its serial line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import tinybench
from evidence_fixtures import changed
from tinybench import specs
from tinybench.boards import messages, transcript
from tinybench.boards.encoding import Encoding
from tinybench.cli import main
from tinybench.datasets.base import Samples
from tinybench.datasets.samples import load_samples
from tinybench.firmware.build import build, target
from tinybench.firmware.emulate import Machine, emulated
from tinybench.meters.eembc import read_trace
from tinybench.models.reference import load_named
from tinybench.results import store
from tinybench.results.schema import DeviceRef, Result
from tinybench.runners.tflm import Interpreter
from tinybench.submissions.entry import Entry, opener
from tinybench.submissions.rules import examine

pytestmark = pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="QEMU is not installed")


@contextmanager
def board(folder: Path, task: str, timestamps: str) -> Iterator[Machine]:
    spec = specs.task(task)
    built = build(load_named(spec.reference_model), spec, target("mps2-an386"), timestamps)
    path = folder / f"{task}-{timestamps}.elf"
    path.write_bytes(built.firmware.elf)
    with emulated(path) as machine:
        yield machine


@pytest.fixture
def kws(tmp_path: Path) -> Iterator[Machine]:
    with board(tmp_path, "kws", "both") as machine:
        yield machine


def smoke(limit: int) -> Samples:
    model = load_named("kws").input
    return load_samples(
        specs.task("kws"), "smoke", scale=model.scale, zero_point=model.zero_point, limit=limit
    )


def printed(log: bytes) -> list[tuple[float, ...]]:
    """Results of the accuracy run, in order."""
    found, part = [], ""
    for entry in transcript.read(log, "log.txt"):
        if entry.source == "session":
            part = entry.text.partition(" ")[0]
        message = messages.parse(entry.text)
        if entry.source == "dut" and part == "accuracy" and isinstance(message, messages.Results):
            found.append(message.values)
    return found


def check_evidence(result: Result, folder: Path) -> None:
    """Whoever checks a submission recomputes all of it, and is told that nothing was measured."""
    openers = {path.name: opener(path.read_bytes) for path in folder.iterdir()}
    found = examine(Entry("results/kws.json", result, openers))
    facts = found.facts
    assert facts.board is not None
    assert facts.performance is not None
    assert facts.energy is not None
    assert facts.energy.windows is not None
    assert facts.broken == ()
    seconds = [window.seconds for window in (*facts.performance.windows, *facts.energy.windows)]
    assert seconds == [window.seconds for window in result.windows]
    assert [window.energy_j for window in facts.energy.windows] == [
        window.joules for window in result.windows[5:]
    ]
    assert facts.performance.median_throughput == result.metric("throughput").value  # type: ignore[union-attr]
    assert facts.energy.median_energy_per_inference_j == result.metric("energy.per_inference").value  # type: ignore[union-attr]
    assert None not in facts.board.loaded["accuracy"]
    # The emulator has a clock of its own, 24 samples are no split, and its line is no serial port.
    expected = {"TB214", "TB307", "TB342", "TB407"}
    assert {finding.rule.code for finding in found.findings} <= expected | {"TB212"}
    assert "TB342" in {finding.rule.code for finding in found.findings}
    assert not found.evidence_checked

    claimed = changed(
        result, metrics=[metric.model_copy(update={"mode": "measured"}) for metric in result.metrics[:3]]
    )
    codes = {finding.rule.code for finding in examine(Entry("results/kws.json", claimed, openers)).findings}
    assert "TB341" in codes


def test_performance_accuracy_and_energy(kws: Machine, tmp_path: Path) -> None:
    bench = tinybench.Bench(port=kws.serial, meter=f"synthetic:{kws.pin}")
    result = tinybench.run("kws", "board", bench=bench, split="smoke", limit=24, output=tmp_path / "results")

    assert [(window.run, window.index) for window in result.windows] == [
        *(("performance", k) for k in range(1, 6)),
        *(("energy", k) for k in range(1, 6)),
    ]
    assert all(window.seconds >= 10 and window.inferences >= 10 for window in result.windows)
    assert len({window.input for window in result.windows}) == 5
    # Neither the emulator's clock nor a formula measures anything.
    assert {metric.name: metric.mode for metric in result.metrics} == {
        "accuracy.top1": "simulated",
        "latency.per_inference": "simulated",
        "throughput": "simulated",
        "energy.per_inference": "predicted",
        "power.active": "predicted",
        "energy.above_baseline": "predicted",
    }
    assert "the board is emulated: nothing was measured" in result.not_publishable_because
    assert isinstance(result.device, DeviceRef)
    assert result.instrument is not None
    assert result.device.supply_v == result.instrument.voltage_v
    assert any("bit for bit, on 24 of 24 inputs" in note for note in result.notes)

    # 50 mW for each window and 10 mW at rest, to the sample.
    latency, energy, above = (
        result.metric(name)
        for name in ("latency.per_inference", "energy.per_inference", "energy.above_baseline")
    )
    assert latency is not None
    assert energy is not None
    assert above is not None
    assert energy.value == pytest.approx(0.050 * latency.value, rel=2e-4)
    assert above.value == pytest.approx(0.040 * latency.value, rel=2e-4)

    assert result.path is not None
    store.verify(result.path)
    folder = result.path.with_suffix(".evidence")
    check_evidence(result, folder)
    document = json.loads((folder / "energy.json").read_text())
    for window, told in zip(result.windows[5:], document["windows"], strict=True):
        trace = read_trace((folder / told["trace"]).read_bytes(), told["trace"])
        assert trace.energy_j(told["start_s"], told["end_s"]) == window.joules
    phases = [row.split(",") for row in (folder / "phases.csv").read_text().splitlines()[1:]]
    assert [row[1] for row in phases] == ["rest", "pre", "inference", "post"] * 5
    joules = [window.joules for window in result.windows[5:]]
    assert [float(row[4]) for row in phases if row[1] == "inference"] == joules


def test_its_outputs_are_those_of_the_simulated_microcontroller(kws: Machine, tmp_path: Path) -> None:
    bench = tinybench.Bench(port=kws.serial, runs=("accuracy",))
    result = tinybench.run("kws", "board", bench=bench, split="smoke", limit=12, output=tmp_path / "board")
    simulated = tinybench.run("kws", split="smoke", limit=12, samples=12, output=tmp_path / "simulated")
    assert result.path is not None
    assert simulated.path is not None
    rows = (simulated.path.with_suffix(".evidence") / "outputs.csv").read_text().splitlines()[1:]
    expected = np.array([row.split(",")[2:] for row in rows], np.int64)

    output = load_named("kws").output
    values = np.array(printed((result.path.with_suffix(".evidence") / "log.txt").read_bytes()))
    recovered = np.rint(values / output.scale).astype(np.int64) + output.zero_point
    assert np.array_equal(recovered, expected)


@pytest.mark.parametrize("task", ["ad", "ic", "vww"])
def test_other_tasks_give_the_outputs_of_the_interpreter(task: str, tmp_path: Path) -> None:
    """The runner refuses a difference; here the numbers on the wire are compared once more."""
    with board(tmp_path, task, "uart") as machine:
        bench = tinybench.Bench(port=machine.serial, runs=("accuracy",))
        result = tinybench.run(
            task, "board", bench=bench, split="golden", limit=3, output=tmp_path / "results"
        )
    assert result.path is not None
    values = printed((result.path.with_suffix(".evidence") / "log.txt").read_bytes())
    spec, model = specs.task(task), load_named(specs.task(task).reference_model)
    from tinybench.datasets import golden
    from tinybench.datasets.samples import front_end_of

    samples = golden.samples(spec, model, front_end_of(spec), 3)
    assert spec.serial is not None
    encoding = Encoding.of(spec.serial, model, samples)
    outputs = Interpreter(model).run(samples.inferences)
    assert len(values) == 3
    assert all(encoding.agrees(k, values[k], outputs[k]) for k in range(3))
    assert not any(encoding.agrees(k, values[k], outputs[k] + np.int8(1)) for k in range(3))


def test_energy_of_firmware_that_only_pulls_its_pin(tmp_path: Path) -> None:
    with board(tmp_path, "ad", "pin") as machine:
        bench = tinybench.Bench(port=machine.serial, meter=f"synthetic:{machine.pin}", runs=("energy",))
        result = tinybench.run("ad", "board", bench=bench, split="golden", output=tmp_path / "results")
        with pytest.raises(tinybench.TinybenchError, match="timestamps at a pin, not on the serial line"):
            tinybench.run("ad", "board", bench=tinybench.Bench(port=machine.serial), split="golden")
    assert [window.run for window in result.windows] == ["energy"] * 5
    assert result.instrument is not None
    assert result.instrument.gate == "edges"


def test_the_command_line_runs_it(kws: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "kws", "--runner", "board", "--port", kws.serial, "--limit", "12", "--split", "smoke"]
    assert main([*arguments, "--output", str(tmp_path / "out"), "--meter", f"synthetic:{kws.pin}"]) == 0
    out = capsys.readouterr().out
    assert "mps2-an386" in out
    assert "simulated" in out
    assert "predicted" in out
    assert " measured " not in out


def test_another_task_or_model_is_refused(kws: Machine) -> None:
    bench = tinybench.Bench(port=kws.serial, runs=("accuracy",))
    with pytest.raises(tinybench.TinybenchError, match="the board runs kws01, but task 'ic' is ic01"):
        tinybench.run("ic", "board", bench=bench, limit=1)
    with pytest.raises(tinybench.TinybenchError, match="is that of qemu-mps2-an386, not of nucleo-l4r5zi"):
        tinybench.run("kws", "board", bench=bench, device="nucleo-l4r5zi", limit=1)


def test_it_says_who_it_is(kws: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards", "--probe", "--json", kws.serial]) == 0
    (port,) = json.loads(capsys.readouterr().out)
    assert port["answer"]["name"] == "tinybench qemu-mps2-an386"
    assert (port["answer"]["model"], port["timestamps"], port["state"]) == ("kws01", "printed", "free")
