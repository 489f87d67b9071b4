"""The litert runner: accuracy of another runtime, called what it is."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from fakes import World
from tflite_builder import Builder, small_model
from tinybench import api, specs
from tinybench.cli import main
from tinybench.datasets.base import Samples
from tinybench.errors import ModelError, UsageError
from tinybench.models import Model
from tinybench.results.record import record
from tinybench.results.schema import HostRef
from tinybench.runners import litert, registry
from tinybench.runners.base import Workload
from tinybench.runners.litert import LiteRt
from tinybench.runners.tflm import Interpreter as TfLiteMicro


@pytest.fixture
def model(tmp_path: Path) -> Model:
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return Model.load(path)


@pytest.fixture
def installed() -> None:
    """The package of the extra."""
    pytest.importorskip("ai_edge_litert", reason="the extra 'litert' is not installed")


def workload(model: Model, split: str = "official", count: int = 40) -> Workload:
    inputs = np.random.default_rng(5).integers(-128, 128, (count, 1, 8, 6, 3), dtype=np.int8)
    outputs = TfLiteMicro(model).run(inputs[:, 0])
    golden = split == "golden"
    samples = Samples(
        split=split,
        dataset="test",
        dataset_sha256="0" * 64,
        inputs=inputs,
        names=tuple(f"s{i}" for i in range(count)),
        labels=None if golden else outputs.argmax(axis=1).astype(np.int64),
        expected=outputs if golden else None,
    )
    return Workload(specs.task("kws"), model, specs.device("nucleo-l4r5zi"), samples)


def test_it_is_close_to_tflite_micro(installed: None, model: Model) -> None:
    inputs = workload(model).samples.inferences
    difference = litert.Interpreter(model).run(inputs).astype(int) - TfLiteMicro(model).run(inputs)
    assert np.abs(difference).max() <= 8
    assert np.abs(difference).mean() < 1


def test_accuracy_is_predicted_and_everything_else_has_a_reason(
    installed: None, model: Model, capfd: pytest.CaptureFixture[str]
) -> None:
    work = workload(model)
    steps: list[tuple[str, int, int]] = []
    measurement = LiteRt().measure(work, lambda *step: steps.append(step))
    (metric,) = measurement.metrics
    assert (metric.name, metric.mode) == ("accuracy.top1", "predicted")
    assert metric.value >= 0.8
    assert {missing.name for missing in measurement.unavailable} >= {"latency.per_inference", "memory.ram"}
    assert measurement.engine.name == "litert"
    assert measurement.engine.kernels == "XNNPACK"
    assert steps[-1] == ("classifying", 40, 40)
    assert len(measurement.evidence["outputs.csv"].splitlines()) == 41
    assert measurement == LiteRt().measure(work)
    assert capfd.readouterr().err == ""


def test_a_result_names_no_device_and_is_never_published(installed: None, model: Model) -> None:
    work = workload(model)
    result = record(work, LiteRt().measure(work), runner="litert")
    assert result.device == HostRef()
    assert (result.data.split, result.data.limit) == ("official", None)
    assert result.target_met is None
    assert result.not_publishable_because == (
        "the accuracy is predicted: nothing computed as the device does",
    )
    assert type(result).model_validate_json(result.to_json()) == result


def test_golden_vectors_are_compared_and_counted(installed: None, model: Model) -> None:
    measurement = LiteRt().measure(workload(model, "golden"))
    assert measurement.metrics == ()
    assert any("of 40 golden vectors" in note for note in measurement.notes)


def test_a_model_that_it_refuses_is_one_clear_line(installed: None, tmp_path: Path) -> None:
    b = Builder()
    source, out = b.tensor((1, 4)), b.tensor((1, 4))
    path = tmp_path / "odd.tflite"
    path.write_bytes(b.finish(source, b.operator("HASHTABLE", [source], [out])))
    with pytest.raises(ModelError, match="LiteRT refuses it"):
        litert.Interpreter(Model.load(path))


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litert, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs the package ai-edge-litert") as caught:
        LiteRt().check("zig")
    assert caught.value.hint == "pip install 'tinybench-suite[litert]'"


@pytest.mark.parametrize("options", [{"device": "demo-board"}, {"clock_hz": 1_000_000}])
def test_it_takes_no_device(world: World, options: dict[str, object]) -> None:
    world.runner.runs_on = "host"
    with pytest.raises(UsageError, match="runs on this machine and takes no device"):
        api.run("demo", "fake", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("part", ["code", "weights"])
def test_it_has_no_firmware_to_put_into_ram(world: World, part: str) -> None:
    world.runner.runs_on = "host"
    with pytest.raises(UsageError, match="where it copies nothing from flash to RAM"):
        api.run("demo", "fake", **{part: "ram"})  # type: ignore[arg-type]


def test_it_is_found_out_before_data_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(toolchain: str) -> None:
        raise UsageError("not installed")

    monkeypatch.setattr(world.runner, "check", missing, raising=False)
    monkeypatch.setattr(api, "_load_samples", lambda *arguments: pytest.fail("data was read"))
    with pytest.raises(UsageError, match="not installed"):
        api.run("demo", "fake")


def test_the_command_line_says_that_there_is_no_device(
    installed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = EntryPoint(name="litert", value="tinybench.runners.litert:LiteRt", group=registry.PLUGINS.group)
    monkeypatch.setattr(registry.PLUGINS, "entries", {"litert": entry})
    monkeypatch.setattr(registry.PLUGINS, "_made", {})
    arguments = ["run", "kws", "--runner", "litert", "--split", "smoke", "--output", str(tmp_path)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "device    none, only this machine" in out
    assert "predicted" in out
    assert "decides nothing about the target" in out
    assert "no latency: LiteRT runs on the host" in out
