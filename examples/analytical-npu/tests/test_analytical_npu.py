"""The plug-in conforms, and its arithmetic is that of a roofline."""

from __future__ import annotations

import pytest
from analytical_npu import content
from analytical_npu.roofline import Npu, costs
from analytical_npu.runner import AnalyticalNpu

import tinybench
from tinybench import specs
from tinybench.errors import UsageError
from tinybench.models import Model
from tinybench.testing import check_content, check_runner

NPU = Npu(macs_per_cycle=64, bandwidth_bytes_per_s=8e8, launch_s=2e-6, source="invented for a test")
CLOCK_HZ = 200_000_000


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(specs.model(specs.task("kws").reference_model).path)


def test_the_runner_conforms() -> None:
    check_runner(AnalyticalNpu(), device="example-npu")


def test_the_content_conforms() -> None:
    check_content(content)


def test_an_operator_takes_the_slower_of_arithmetic_and_memory(model: Model) -> None:
    first = costs(model, NPU, CLOCK_HZ)[0]
    operator = model.operators[0]
    moved = sum(tensor.nbytes for tensor in (*operator.inputs, *operator.outputs) if tensor is not None)
    assert first.arithmetic_s == operator.macs / (64 * CLOCK_HZ)
    assert first.memory_s == moved / 8e8
    assert first.seconds == max(first.arithmetic_s, first.memory_s) + 2e-6


def test_without_limits_only_the_launches_are_left(model: Model) -> None:
    fast = NPU.model_copy(update={"macs_per_cycle": 1e18, "bandwidth_bytes_per_s": 1e18})
    latency_s = sum(cost.seconds for cost in costs(model, fast, CLOCK_HZ))
    assert latency_s == pytest.approx(len(model.operators) * 2e-6)


def test_twice_the_clock_only_helps_where_arithmetic_is_waited_for(model: Model) -> None:
    for slow, fast in zip(costs(model, NPU, CLOCK_HZ), costs(model, NPU, 2 * CLOCK_HZ), strict=True):
        assert fast.arithmetic_s == pytest.approx(slow.arithmetic_s / 2)
        assert fast.memory_s == slow.memory_s


def test_every_figure_is_predicted() -> None:
    result = tinybench.run("kws", "analytical-npu", device="example-npu", split="golden", limit=1)
    assert {metric.mode for metric in result.metrics} == {"predicted"}
    assert sum(layer.share for layer in result.layers) == pytest.approx(1)
    assert result.environment is not None
    assert "tinybench-analytical-npu" in result.environment.packages


def test_another_device_is_refused() -> None:
    with pytest.raises(UsageError, match=r"nucleo-l4r5zi has no table \[runners\.analytical-npu\]"):
        tinybench.run("kws", "analytical-npu", device="nucleo-l4r5zi", split="golden")


@pytest.mark.parametrize(("key", "value"), [("macs_per_cycle", 0), ("launch_s", -1), ("colour", "red")])
def test_a_wrong_description_names_the_key(key: str, value: object) -> None:
    device = specs.device("example-npu")
    table = device.runners["analytical-npu"] | {key: value}
    with pytest.raises(UsageError, match=rf"example-npu: runners\.analytical-npu\.{key}: "):
        Npu.of(device.model_copy(update={"runners": {"analytical-npu": table}}))
