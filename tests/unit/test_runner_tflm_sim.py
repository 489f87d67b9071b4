"""The tflm-sim runner: what it measures, and that a difference from TFLite Micro cannot pass."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest

from tflite_builder import Builder, schema, small_model
from tinybench import specs
from tinybench.datasets.base import Samples
from tinybench.errors import MismatchError, ModelError, UnsupportedOperatorError
from tinybench.mcusim import energy
from tinybench.mcusim.simulate import Simulation
from tinybench.models import Model
from tinybench.runners import tflm_sim
from tinybench.runners.base import Measurement, Workload
from tinybench.runners.tflm import Interpreter
from tinybench.runners.tflm_sim import MIN_CHECKED_INPUTS, TflmSim, check_equal, checked_inputs


@pytest.fixture
def model(tmp_path: Path) -> Model:
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return Model.load(path)


def workload(model: Model, count: int = 10) -> Workload:
    inputs = np.random.default_rng(5).integers(-128, 128, (count, 8, 6, 3), dtype=np.int8)
    labels = Interpreter(model).run(inputs).argmax(axis=1)
    labels[0] = (labels[0] + 1) % 4  # one wrong
    names = tuple(f"s{i}" for i in range(count))
    samples = Samples("smoke", "test", "0" * 64, inputs[:, None], names, labels)
    return Workload(specs.task("kws"), model, specs.device("nucleo-l4r5zi"), samples)


def values(measurement: Measurement) -> dict[str, float]:
    return {metric.name: metric.value for metric in measurement.metrics}


def test_every_metric_is_simulated_and_consistent(model: Model) -> None:
    work = workload(model)
    steps: list[tuple[str, int, int]] = []
    measurement = TflmSim().measure(work, lambda *step: steps.append(step))
    got = values(measurement)
    predicted = {metric.name for metric in measurement.metrics if metric.mode == "predicted"}
    assert predicted == {"energy.per_inference", "power.active"}
    assert {metric.mode for metric in measurement.metrics} == {"simulated", "predicted"}
    assert got["accuracy.top1"] == 0.9
    assert got["latency.per_inference"] == got["cycles.per_inference"] / 120e6
    assert got["throughput"] == pytest.approx(1 / got["latency.per_inference"])
    assert got["energy.per_inference"] == pytest.approx(got["power.active"] * got["latency.per_inference"])
    assert sum(layer.cycles for layer in measurement.layers) == got["cycles.per_inference"]
    assert sum(layer.share for layer in measurement.layers) == pytest.approx(1)
    assert sum(layer.macs for layer in measurement.layers) == model.macs
    assert measurement.engine.kernels == "CMSIS-NN"
    assert ("simulating", 8, 8) in steps
    assert ("classifying", 10, 10) in steps


def test_the_evidence_holds_what_was_run(model: Model) -> None:
    work = workload(model)
    evidence = TflmSim().measure(work).evidence
    assert evidence["firmware.elf"].startswith(b"\x7fELF")
    assert b"arm_convolve_wrapper_s8" in evidence["model.c"]
    rows = evidence["outputs.csv"].decode().splitlines()
    assert rows[0] == "sample,label,output_0,output_1,output_2,output_3"
    first = [int(v) for v in rows[1].split(",")[1:]]
    assert first == [work.samples.labels[0], *Interpreter(model).run(work.samples.inferences[:1])[0]]
    assert len(rows) == 1 + len(work.samples.names)
    assert len(evidence["layers.csv"].decode().splitlines()) == 1 + len(model.operators)


def test_two_runs_measure_the_same(model: Model) -> None:
    first, second = (TflmSim().measure(workload(model)) for _ in range(2))
    assert first == second


def test_a_wrong_output_fails_the_run(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tflm_sim.simulate

    def off_by_one(*args: Any, **kwargs: Any) -> Simulation:
        simulation = real(*args, **kwargs)
        outputs = simulation.outputs.copy()
        outputs[3, 2] ^= 1
        return dataclasses.replace(simulation, outputs=outputs)

    monkeypatch.setattr(tflm_sim, "simulate", off_by_one)
    with pytest.raises(MismatchError, match="output 2 of input 3 is"):
        TflmSim().measure(workload(model))


def test_a_mismatch_counts_the_inputs_that_differ() -> None:
    expected = np.zeros((4, 3), np.int8)
    simulated = expected.copy()
    simulated[1, 2], simulated[3, 0] = 5, -5
    with pytest.raises(MismatchError, match=r"is 5 on the simulated core but 0 .*2 of 4 inputs differ"):
        check_equal(simulated, expected)
    check_equal(expected, expected)


def test_at_least_eight_inputs_are_checked(model: Model) -> None:
    few = np.full((3, 8, 6, 3), 7, np.int8)
    taken = checked_inputs(model, few, 2)
    assert taken.shape == (MIN_CHECKED_INPUTS, 8, 6, 3)
    np.testing.assert_array_equal(taken[:3], few)
    np.testing.assert_array_equal(taken, checked_inputs(model, few, 8))
    assert len(checked_inputs(model, np.zeros((50, 8, 6, 3), np.int8), 20)) == 20


def test_the_interpreter_tells_its_arena_and_leaves_stderr_alone(
    model: Model, capfd: pytest.CaptureFixture[str]
) -> None:
    interpreter = Interpreter(model)
    interpreter.run(np.zeros((1, 8, 6, 3), np.int8))
    assert 1000 < interpreter.arena_bytes() < 100_000
    assert capfd.readouterr().err == ""


def test_a_model_that_tflite_micro_refuses_is_one_clear_line(tmp_path: Path) -> None:
    b = Builder()
    source = b.tensor((1, 2**24))  # more than the interpreter's arena
    path = tmp_path / "large.tflite"
    path.write_bytes(b.finish(source, b.unary("RELU", source, 0.05, 0)))
    with pytest.raises(ModelError, match="TFLite Micro refuses it"):
        Interpreter(Model.load(path))


def test_the_interpreter_is_not_given_what_would_crash_it(tmp_path: Path) -> None:
    changed = schema.ModelT.InitFromObj(schema.Model.GetRootAs(small_model(), 0))
    depthwise = changed.subgraphs[0].operators[1]
    changed.subgraphs[0].tensors[depthwise.outputs[0]].shape = [1, 4, 3, 7]  # it would divide by zero
    packer = flatbuffers.Builder(4096)
    packer.Finish(changed.Pack(packer), b"TFL3")
    path = tmp_path / "odd.tflite"
    path.write_bytes(packer.Output())
    with pytest.raises(UnsupportedOperatorError, match="DEPTHWISE_CONV_2D"):
        Interpreter(Model.load(path))


def test_power_is_voltage_times_the_currents_of_the_profile() -> None:
    board = specs.device("nucleo-l4r5zi")
    power = board.power
    expected = power.supply_v.value * (power.run_a_per_hz.value * 120e6 + power.run_offset_a.value)
    assert energy.run_power_w(board) == pytest.approx(expected)
    assert energy.inference_energy_j(board, 0.5) == pytest.approx(expected / 2)
