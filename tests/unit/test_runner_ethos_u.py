"""``ethos-u``: figures are Vela's, what the NPU leaves to the core is timed, and all of it is predicted."""

from __future__ import annotations

import configparser
import csv
import io
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from npu_models import SPLIT_AT, nameless_model, split_model
from tflite_builder import small_model
from tinybench import specs
from tinybench.datasets.base import Samples
from tinybench.errors import ContentError, MismatchError, ModelError, UsageError
from tinybench.mcusim.placement import Placement
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.npu import vela
from tinybench.results.record import record
from tinybench.runners.base import Measurement, Setup, Workload
from tinybench.runners.board import Board
from tinybench.runners.ethos_u import EthosU
from tinybench.runners.tflm import Interpreter
from tinybench.runners.tflm_sim import TflmSim, checked_inputs
from tinybench.specs import DeviceSpec
from tinybench.submissions.rules.identity import MODES

pytest.importorskip("ethosu")

NPUS = sorted(name for name, device in specs.devices().items() if device.npu)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def workload(folder: Path, data: bytes, device: str = "ethos-u55-128") -> Workload:
    path = folder / "given.tflite"
    path.write_bytes(data)
    model = Model.load(path)
    inputs = np.random.default_rng(1).integers(-128, 128, (3, 1, *model.input.shape[1:]), np.int8)
    samples = Samples(
        split="golden",
        dataset="demo-golden",
        dataset_sha256="0" * 64,
        names=("a", "b", "c"),
        inputs=inputs,
        labels=None,
        expected=Interpreter(model).run(inputs[:, 0]),
    )
    return Workload(task=specs.task("kws"), model=model, device=specs.device(device), samples=samples)


def values(measurement: Measurement) -> dict[str, float]:
    return {metric.name: metric.value for metric in measurement.metrics}


@pytest.mark.parametrize("name", ["ethos-u55-32", "ethos-u65-256", "ethos-u85-512"])
def test_a_model_of_the_npu_alone_takes_what_vela_says(tmp_path: Path, name: str) -> None:
    given = workload(tmp_path, small_model(), name)
    measured = EthosU().measure(given)
    (row,) = csv.DictReader(io.StringIO(measured.evidence["summary.csv"].decode()))
    found = values(measured)
    assert found["cycles.per_inference"] == int(row["cycles_total"])
    assert found["latency.per_inference"] == float(row["inference_time"])
    assert found["throughput"] == pytest.approx(float(row["inferences_per_second"]), rel=1e-12)
    assert found["memory.ram"] == float(row["sram_memory_used"]) * 1024
    assert found["memory.flash"] == float(row["off_chip_flash_memory_used"]) * 1024
    assert {metric.mode for metric in measured.metrics} == {"predicted"} == MODES["ethos-u"]
    assert sum(layer.cycles for layer in measured.layers) == int(row["cycles_total"])
    assert sum(layer.share for layer in measured.layers) == pytest.approx(1)
    assert [layer.operator for layer in measured.layers] == [op.kind for op in given.model.operators]
    operators = len(given.model.operators)
    assert any(note.startswith(f"{operators} of {operators} operators on the NPU") for note in measured.notes)


def test_the_result_names_the_npu_and_is_not_published(tmp_path: Path) -> None:
    given = workload(tmp_path, small_model())
    measured = EthosU().measure(given)
    result = record(given, measured, runner="ethos-u")
    assert result.device.core == "npu"
    assert result.device.accelerator.name == "Arm Ethos-U55-128"
    assert result.device.accelerator.clock_hz == result.device.clock_hz == 500_000_000
    assert result.environment.packages["ethos-u-vela"] == "5.2.0"
    assert {missing.name for missing in result.unavailable} >= {"energy.per_inference", "power.active"}
    assert not result.publishable


@pytest.mark.parametrize(
    ("name", "core", "host_hz"),
    [("ethos-u55-64", "cortex-m33", 160_000_000), ("ethos-u85-256", "cortex-m7", 280_000_000)],
)
def test_what_the_npu_lacks_is_timed_on_the_core_and_added(
    tmp_path: Path, name: str, core: str, host_hz: int
) -> None:
    given = workload(tmp_path, split_model(), name)
    measured = EthosU().measure(given)
    (row,) = csv.DictReader(io.StringIO(measured.evidence["summary.csv"].decode()))
    host = specs.device(given.device.npu.host.value)
    assert (host.core, host.clock_hz.value) == (core, host_hz)
    # The same operator of the same model by the simulator alone:
    inputs = checked_inputs(given.model, np.empty((0, 12, 12, 3), np.int8), 8)
    alone = simulate(build(given.model, host), host, inputs)
    seconds = alone.layers[SPLIT_AT].cycles / host_hz
    assert seconds > 0
    assert values(measured)["latency.per_inference"] == pytest.approx(
        float(row["inference_time"]) + seconds, rel=1e-12
    )
    layer = measured.layers[SPLIT_AT]
    assert layer.operator == "AVERAGE_POOL_2D"
    assert layer.cycles == round(seconds * 500_000_000)
    assert layer.instructions == alone.layers[SPLIT_AT].instructions > 0
    assert all(other.instructions == 0 for other in measured.layers if other.index != SPLIT_AT)
    (note,) = (note for note in measured.notes if "simulated" in note)
    assert f"on the {core} of {host.id}" in note
    assert "operator 1 (AVERAGE_POOL_2D)" in note
    assert measured.engine.kernels == "CMSIS-NN"
    assert "firmware.elf" in measured.evidence


def test_an_operator_that_cannot_be_told_apart_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="leaves 1 operators to the core, and the names of its tensors"):
        EthosU().measure(workload(tmp_path, nameless_model()))


def test_golden_outputs_are_compared(tmp_path: Path) -> None:
    given = workload(tmp_path, small_model())
    other = given.samples.expected.copy()
    other[1, 0] ^= 1
    wrong = replace(given, samples=replace(given.samples, expected=other))
    with pytest.raises(MismatchError, match="golden vector 'b'"):
        EthosU().measure(wrong)


def test_another_clock_than_velas_is_refused(tmp_path: Path) -> None:
    given = workload(tmp_path, small_model())
    with pytest.raises(UsageError, match="the clock of ethos-u55-128 is that of Vela's"):
        given.device.at_clock(400_000_000)
    clock = given.device.clock_hz.model_copy(update={"value": 400_000_000})
    other = replace(given, device=given.device.model_copy(update={"clock_hz": clock}))
    with pytest.raises(MismatchError, match="runs at 400 MHz, but Vela's configuration at 500 MHz"):
        EthosU().measure(other)


def test_devices_and_runners_that_do_not_go_together_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    board, npu = specs.device("nucleo-l4r5zi"), specs.device("ethos-u65-512")
    with pytest.raises(UsageError, match="nucleo-l4r5zi is no Ethos-U"):
        EthosU().check_device(board)
    for runner in (TflmSim(), Board()):
        with pytest.raises(UsageError, match="ethos-u65-512 is an NPU") as caught:
            runner.check_device(npu)
        assert caught.value.hint == "'tinybench run --runner ethos-u' estimates it"
    with pytest.raises(UsageError, match="an NPU reads"):
        EthosU().check(Setup(placement=Placement(code="ram")))
    monkeypatch.setattr(vela, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="not installed"):
        EthosU().check(Setup())


def test_every_configuration_that_vela_has_is_a_device_at_its_clock() -> None:
    from ethosu.vela.architecture_features import Accelerator

    assert set(NPUS) == {name for name in Accelerator.member_list() if name.startswith("ethos-u")}
    assert len(NPUS) == 11
    sections = configparser.ConfigParser()
    sections.read_string((files("ethosu") / "config_files" / vela.CONFIG).read_text())
    for name in NPUS:
        device = specs.device(name)
        system = sections[f"System_Config.{device.npu.system_config}"]
        assert float(system["core_clock"]) == device.clock_hz.value
        assert sections.has_section(f"Memory_Mode.{device.npu.memory_mode}")
        assert device.npu.accelerator == name
        assert specs.device(device.npu.host.value).flash_timing is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"core": "cortex-m4"}, "a table npu needs core 'npu'"),
        ({"npu": None}, "core 'npu' needs a table npu, or one of the runner"),
        ({"board": {"source": "no real device"}}, "board is read by nobody beside a table npu"),
        ({"npu": {"accelerator": "ethos-n78"}}, "accelerator"),
    ],
)
def test_a_profile_is_of_an_npu_or_of_a_board(changes: dict[str, object], said: str) -> None:
    content = specs.device("ethos-u55-128").model_dump() | changes
    if changes.get("npu"):
        content["npu"] = specs.device("ethos-u55-128").npu.model_dump() | changes["npu"]
    with pytest.raises(ContentError, match=said):
        specs.validate(DeviceSpec, content, Path("ethos-u55-128.toml"), "ethos-u55-128")
