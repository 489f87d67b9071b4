"""Executing results again: what is equal, what differs, and what cannot be executed."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from board_evidence import BoardLog
from tinybench import api, specs
from tinybench.boards.encoding import Encoding
from tinybench.boards.replay import read_transcript
from tinybench.datasets import golden
from tinybench.datasets.samples import front_end_of, load_samples
from tinybench.models.reference import load_named
from tinybench.results.schema import DeviceRef, Result, content_id
from tinybench.runners.tflm import Interpreter
from tinybench.submissions.entry import Entry, opener
from tinybench.submissions.rerun import Rerun, rerun
from tinybench.submissions.rules.reexecution import compare_board


@pytest.fixture(scope="module")
def simulated() -> Result:
    return api.run("ad", split="golden")


def again(result: Result, **changes: Any) -> Rerun:
    """Execute a result again that differs in some fields."""
    document = result.model_dump(mode="json", by_alias=True)
    for key, value in changes.items():
        document[key] = {**document[key], **value} if isinstance(value, dict) else value
    document["id"] = content_id(document)
    return rerun(Entry("results/ad.json", Result.model_validate(document)))


WITHOUT_DATA: dict[str, Any] = {
    "data": {"split": "official", "dataset": "dcase-2020-toycar", "samples": 248},
    "target_met": None,
}


def found(outcome: Rerun) -> list[str]:
    return [finding.rule.code for finding in outcome.findings]


def figure(result: Result, name: str, factor: float) -> list[dict[str, Any]]:
    metrics = [metric.model_dump(mode="json") for metric in result.metrics]
    for metric in metrics:
        if metric["name"] == name:
            metric["value"] *= factor
    return metrics


def test_the_same_comes_out_bit_for_bit(simulated: Result) -> None:
    assert again(simulated) == Rerun((), reproduced=True)


def test_labelled_samples_are_classified_again() -> None:
    claimed = api.run("kws", split="smoke", limit=12)
    assert again(claimed) == Rerun((), reproduced=True)
    accuracy = claimed.metric("accuracy.top1")
    assert accuracy is not None
    better = again(claimed, metrics=figure(claimed, "accuracy.top1", 0.5))
    assert found(better) == ["TB701"]
    assert "accuracy.top1" in better.findings[0].message


@pytest.mark.parametrize(
    "name", ["cycles.per_inference", "latency.per_inference", "energy.per_inference", "memory.ram"]
)
def test_a_figure_that_was_made_better_is_found(simulated: Result, name: str) -> None:
    outcome = again(simulated, metrics=figure(simulated, name, 0.5))
    assert found(outcome) == ["TB701"]
    assert not outcome.reproduced
    assert f"{name} " in outcome.findings[0].message


def test_the_smallest_difference_is_found(simulated: Result) -> None:
    latency = simulated.metric("latency.per_inference")
    assert latency is not None
    outcome = again(simulated, metrics=figure(simulated, latency.name, 1 + 1e-15))
    assert found(outcome) == ["TB701"]
    assert repr(latency.value) in outcome.findings[0].message


def test_another_firmware_and_other_layers_are_found(simulated: Result) -> None:
    document = simulated.model_dump(mode="json")
    for item in document["evidence"]:
        item["sha256"] = "0" * 64
    (elsewhere,) = again(simulated, evidence=document["evidence"]).findings
    assert "firmware.elf has other bytes" in elsewhere.message
    document["layers"][3]["cycles"] += 1
    assert "layer 3 differs" in again(simulated, layers=document["layers"]).findings[0].message


@pytest.mark.parametrize(
    "name",
    [
        {"engine": {"name": "acme-nn"}},
        {"engine": {"version": "9.0"}},
        {"engine": {"kernels": "Acme kernels"}},
        {"device": {"board": "Acme Board"}},
        {"device": {"supply_v": 1.2}},
        {"device": {"accelerator": {"name": "NPU", "clock_hz": None}}},
    ],
)
@pytest.mark.parametrize("elsewhere", [{}, WITHOUT_DATA], ids=["executed", "golden"])
def test_figures_under_another_name_are_not_reproduced(
    simulated: Result, name: dict[str, Any], elsewhere: dict[str, Any]
) -> None:
    outcome = again(simulated, **name, **elsewhere)
    assert found(outcome) == ["TB701"]
    ((key, fields),) = name.items()
    assert f"{key}.{next(iter(fields))} " in outcome.findings[0].message


@pytest.mark.parametrize("name", ["memory.ram", "power.active", "memory.arena", "throughput"])
def test_without_the_data_set_every_figure_is_compared(simulated: Result, name: str) -> None:
    assert found(again(simulated, metrics=figure(simulated, name, 0.5), **WITHOUT_DATA)) == ["TB701"]


def test_without_the_data_set_modes_figures_and_layers_are_compared(simulated: Result) -> None:
    document = simulated.model_dump(mode="json")
    called = [{**metric, "mode": "simulated"} for metric in document["metrics"]]
    assert found(again(simulated, metrics=called, **WITHOUT_DATA)) == ["TB701"]
    certain = [{key: metric[key] for key in metric if key != "interval95"} for metric in document["metrics"]]
    assert certain != document["metrics"]
    assert found(again(simulated, metrics=certain, **WITHOUT_DATA)) == ["TB701"]
    fewer = [metric for metric in document["metrics"] if metric["name"] != "memory.ram"]
    assert found(again(simulated, metrics=fewer, **WITHOUT_DATA)) == ["TB701"]
    assert found(again(simulated, layers=document["layers"][1:], **WITHOUT_DATA)) == ["TB701"]


def test_another_version_may_have_been_right(simulated: Result) -> None:
    old = {"version": "0.0.1"}
    same = again(simulated, tool=old)
    assert same == Rerun((), reproduced=True)
    other = again(simulated, tool=old, metrics=figure(simulated, "memory.flash", 2))
    assert found(other) == ["TB702"]
    assert "0.0.1" in other.findings[0].message


def test_without_the_data_set_golden_inputs_are_executed(simulated: Result) -> None:
    elsewhere = WITHOUT_DATA
    outcome = again(simulated, **elsewhere)
    assert found(outcome) == ["TB703"]
    assert not outcome.reproduced
    # A little may depend on the input, more may not.
    slower = again(simulated, metrics=figure(simulated, "cycles.per_inference", 1.0005), **elsewhere)
    assert found(slower) == ["TB703"]
    faster = again(simulated, metrics=figure(simulated, "cycles.per_inference", 0.998), **elsewhere)
    assert found(faster) == ["TB701"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": {"sha256": "0" * 64}}, "no reference model"),
        ({"device": {"id": "other-board"}}, "no profile of its device"),
        ({"device": {"clock_hz": 999_000_000}}, "does not run at 999 MHz"),
        ({"engine": {"compiler": "zig cc 0.1.0"}}, "it was compiled with zig cc 0.1.0"),
        ({"engine": {"compiler": "acme cc 1"}}, "no compiler 'acme cc 1' here"),
        ({"engine": {"compiler": None}}, "no compiler '' here"),
        ({"data": {"split": "custom"}}, "not part of this project"),
    ],
)
def test_what_cannot_be_executed_again_is_said(
    simulated: Result, changes: dict[str, Any], reason: str
) -> None:
    outcome = again(simulated, **changes)
    assert found(outcome) == ["TB705"]
    assert not outcome.reproduced
    assert reason in outcome.findings[0].message


def test_nobody_makes_the_check_simulate_forever(simulated: Result) -> None:
    metrics = [metric.model_dump(mode="json") for metric in simulated.metrics]
    for metric in metrics:
        if metric["name"] == "cycles.per_inference":
            metric["note"] = "median over 9999 inputs; 1 to 2"
    assert "at most 64 are executed again" in again(simulated, metrics=metrics).findings[0].message


def test_a_device_that_is_too_small_refutes_the_result(simulated: Result) -> None:
    boards = [device for device in specs.devices().values() if device.ram]
    smallest = min(boards, key=lambda device: device.ram.bytes)
    model = specs.model("ic")
    outcome = again(
        simulated,
        device={"id": smallest.id, "core": smallest.core, "clock_hz": smallest.clock_hz.value},
        engine={"in_ram": ["weights"]},
        task={"id": "ic"},
        model={"sha256": model.sha256, "macs": model.macs, "parameters": model.parameters},
    )
    assert found(outcome) == ["TB701"]
    assert smallest.id in outcome.findings[0].message


@pytest.fixture(scope="module")
def on_hardware() -> Result:
    """What a board would have measured on the smoke split, if it rounded as TFLite Micro does."""
    simulated = api.run("kws", split="smoke")
    document = simulated.model_dump(mode="json", by_alias=True)
    kept = ("accuracy.top1", "latency.per_inference")
    document["metrics"] = [
        metric | {"mode": "measured", "note": None, "interval95": None}
        for metric in document["metrics"]
        if metric["name"] in kept
    ]
    document |= {"runner": "energyrunner", "layers": [], "evidence": []}
    document["id"] = content_id(document)
    return Result.model_validate(document)


def test_a_measured_accuracy_is_compared_with_that_of_the_reference_model(on_hardware: Result) -> None:
    assert again(on_hardware) == Rerun((), reproduced=False)
    # One of 154 samples may round to the other side.
    rounded = figure(on_hardware, "accuracy.top1", 1 - 1 / 154)
    assert again(on_hardware, metrics=rounded) == Rerun((), reproduced=False)
    worse = again(on_hardware, metrics=figure(on_hardware, "accuracy.top1", 0.95))
    assert found(worse) == ["TB704"]
    assert worse.findings[0].where == "results/ad.json: accuracy.top1"


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"sha256": "0" * 64}},
        {"model": {"sha256": specs.model("ic").sha256}},
        {"data": {"split": "custom"}},
        {"data": {"split": "official"}},
        {"data": {"limit": 12}},
    ],
)
def test_of_what_is_not_here_the_accuracy_is_not_compared(
    on_hardware: Result, changes: dict[str, Any]
) -> None:
    wrong = figure(on_hardware, "accuracy.top1", 0.5)
    unknown = {**changes, "metrics": wrong, "target_met": None}
    if changes.get("data") == {"split": "official"}:
        unknown["target_met"] = False
    assert again(on_hardware, **unknown) == Rerun((), reproduced=False)


@pytest.fixture(scope="module")
def asked() -> BoardLog:
    """The log of a board that classified the smoke split of keyword spotting, exactly."""
    task, model = specs.task("kws"), load_named("kws")
    scale, zero_point = model.input.scale, model.input.zero_point
    samples = load_samples(task, "smoke", scale=scale, zero_point=zero_point)
    assert task.serial is not None
    encoding = Encoding.of(task.serial, model, samples)
    outputs = Interpreter(model).run(samples.inferences)
    values = (outputs.astype(float) - model.output.zero_point) * model.output.scale
    log = BoardLog()
    log.begin(model.sha256, "accuracy")
    for number, name in enumerate(samples.names):
        data = encoding.input(number)
        log.say("session", f"accuracy {number + 1} input {name}")
        log.say("host", f"db load {len(data)}%")
        log.say("host", f"db of {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}, in 16 commands")
        log.say("dut", "m-load-done")
        log.infer(1, 0, 43_000, values[number])
    log.say("session", "end")
    return log


def of_board(result: Result, log: str, engine: str = "vendor") -> list[str]:
    """What is found when a result of a board with this log is looked at again."""
    document = result.model_dump(mode="json", by_alias=True) | {"runner": "board"}
    document["engine"]["name"] = engine
    document["id"] = content_id(document)
    evidence = {"log.txt": opener(log.encode)}
    outcome = rerun(Entry("results/kws.json", Result.model_validate(document), evidence))
    assert not outcome.reproduced
    return found(outcome)


def test_what_a_board_was_given_and_said_is_compared(on_hardware: Result, asked: BoardLog) -> None:
    log = asked.encode().decode()
    assert of_board(on_hardware, log) == of_board(on_hardware, log, "tinybench-static") == []
    answer = next(line for line in asked.lines if "m-results-" in line and ",0.000" in line)
    spoilt = log.replace(answer, answer.replace(",0.000", ",0.004", 1))
    assert spoilt != log
    assert of_board(on_hardware, spoilt) == ["TB708"]
    assert of_board(on_hardware, spoilt, "tinybench-static") == ["TB707"]
    at = log.index("sha256 ") + len("sha256 ")
    assert of_board(on_hardware, log[:at] + ("1" if log[at] == "0" else "0") + log[at + 1 :]) == ["TB706"]


def test_inputs_in_another_order_are_other_inputs(on_hardware: Result, asked: BoardLog) -> None:
    log = asked.encode().decode()
    blocks = [k for k, line in enumerate(asked.lines) if ": accuracy " in line]
    first, second = (asked.lines[k].partition(" input ")[2] for k in blocks[:2])
    swapped = log.replace(f"input {first}\n", "input #\n").replace(f"input {second}\n", f"input {first}\n")
    assert of_board(on_hardware, swapped.replace("input #\n", f"input {second}\n")) == ["TB706"]


@pytest.mark.parametrize(("shift", "code"), [(0.0, []), (0.01, ["TB707"])])
def test_errors_of_windows_are_compared_but_not_floats_that_depend_on_the_machine(
    shift: float, code: list[str]
) -> None:
    """Anomaly detection: the board gets float32 and prints a mean squared error."""
    task, model = specs.task("ad"), load_named("ad")
    samples = golden.samples(task, model, front_end_of(task), 3)
    assert task.serial is not None
    encoding = Encoding.of(task.serial, model, samples)
    outputs = Interpreter(model).run(samples.inferences)
    restored = (outputs.astype(float) - model.output.zero_point) * model.output.scale
    log = BoardLog()
    log.begin(model.sha256, "accuracy")
    for number, (feature, output) in enumerate(zip(encoding.features, restored, strict=True)):
        log.say("session", f"accuracy {number + 1} input {number}.wav")
        log.load("other bytes than here")
        error = float(np.mean((feature - output) ** 2))
        log.infer(1, 0, 9_000, (error * (1 + shift * (number == 1)),))
    replay = read_transcript(log.encode(), "log.txt")
    names = [f"{number}.wav" for number in range(len(outputs))]
    findings = compare_board("results/ad.json", replay, names, encoding, outputs, own=True)
    assert [finding.rule.code for finding in findings] == code


@pytest.mark.parametrize("log", ["", "broken\n"])
def test_of_a_log_that_cannot_be_read_nothing_is_compared(on_hardware: Result, log: str) -> None:
    assert of_board(on_hardware, log) == []


def test_what_nobody_simulates_was_not_simulated(simulated: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(simulated.device, DeviceRef)
    device = specs.device(simulated.device.id).model_copy(update={"flash_timing": None})
    monkeypatch.setattr(specs, "device", lambda name: device)
    (finding,) = again(simulated).findings
    assert "can be measured only, not simulated" in finding.message
