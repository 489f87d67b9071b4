"""Every device profile: complete, legal at its clocks, and able to run a model bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tflite_builder import small_model
from tinybench import specs
from tinybench.errors import ContentError, UsageError
from tinybench.mcusim.energy import inference_energy_j, run_power_w
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter
from tinybench.specs import Cache, DeviceSpec

DEVICES = sorted(specs.devices())
SIMULATED = [name for name in DEVICES if specs.device(name).flash_timing]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(small_model())
    return Model.load(path)


def test_ten_boards_with_five_cores_are_described() -> None:
    assert len(SIMULATED) >= 10
    assert {specs.device(name).core for name in SIMULATED} >= {
        "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33",
    }  # fmt: skip


@pytest.mark.parametrize("name", SIMULATED)
def test_a_model_runs_bit_exact_on_every_device(model: Model, name: str) -> None:
    device = specs.device(name)
    data = np.random.default_rng(4).integers(-128, 128, (3, 8, 6, 3), dtype=np.int8)
    simulation = simulate(build(model, device), device, data)
    np.testing.assert_array_equal(simulation.outputs, Interpreter(model).run(data))
    without = simulate(build(model, device), device, data, memory_model=False)
    assert simulation.cycles >= without.cycles
    stalls = sum(layer.stalls_fetch + layer.stalls_data + layer.stalls_ram for layer in simulation.layers)
    assert simulation.cycles == without.cycles + stalls


def test_an_emulator_is_not_simulated(model: Model) -> None:
    emulators = [name for name in DEVICES if specs.device(name).emulated]
    assert emulators
    for name in emulators:
        with pytest.raises(UsageError, match=f"{name} has no timing"):
            build(model, specs.device(name))


@pytest.mark.parametrize("name", DEVICES)
def test_constants_say_where_they_come_from(name: str) -> None:
    def check(value: object, path: str) -> None:
        if isinstance(value, dict):
            if "value" in value or "bytes" in value or "table" in value:
                assert len(value["source"]) >= 8, path
            for key, item in value.items():
                check(item, f"{path}.{key}")

    check(specs.device(name).model_dump(), name)


def test_wait_states_follow_the_clock() -> None:
    board = specs.device("nucleo-l4r5zi")
    assert board.miss_cycles == 5
    assert board.at_clock(80_000_000).miss_cycles == 3
    assert board.at_clock(16_000_000).miss_cycles == 0
    assert board.at_clock(80_000_000).clock_hz.value == 80_000_000


@pytest.mark.parametrize("clock_hz", [0, -1, 120_000_001, 10**12])
def test_a_clock_that_the_device_has_not_is_refused(clock_hz: int) -> None:
    with pytest.raises(UsageError, match="nucleo-l4r5zi does not run at") as caught:
        specs.device("nucleo-l4r5zi").at_clock(clock_hz)
    assert "up to 120 MHz" in str(caught.value.hint)


def test_a_slower_clock_takes_fewer_cycles_and_more_time(model: Model) -> None:
    board, data = specs.device("nucleo-l4r5zi"), np.zeros((1, 8, 6, 3), np.int8)
    fast, slow = (simulate(build(model, d), d, data).cycles for d in (board, board.at_clock(40_000_000)))
    assert slow < fast
    assert slow / 40e6 > fast / 120e6


def test_a_ram_with_wait_states_stalls_each_load(model: Model) -> None:
    device, data = specs.device("ek-ra6m4"), np.zeros((1, 8, 6, 3), np.int8)
    assert device.ram_wait_cycles == 1
    assert device.at_clock(100_000_000).ram_wait_cycles == 0
    simulation = simulate(build(model, device), device, data)
    for layer in simulation.layers:
        assert layer.stalls_ram == layer.loads - layer.flash_reads


def test_a_device_without_a_sourced_current_has_no_energy() -> None:
    device = changed("nucleo-h7a3zi-q", power=None)
    assert run_power_w(device) is None
    assert inference_energy_j(device, 1.0) is None


@pytest.mark.parametrize("name", [name for name, device in specs.devices().items() if device.power])
def test_a_device_draws_less_the_less_it_does(name: str) -> None:
    device = specs.device(name)
    power, watts = device.power, run_power_w(device)
    assert power is not None
    assert watts is not None
    run_a = watts / power.supply_v.value
    assert 1e-3 < run_a < 0.2  # a mistaken unit would be off by a thousand
    currents = [current.value for current in (power.idle_a, power.sleep_a) if current]
    assert [run_a, *currents] == sorted([run_a, *currents], reverse=True)
    assert power.sleep_a is None or 1e-7 < power.sleep_a.value < 1e-4


def changed(name: str, **changes: object) -> DeviceSpec:
    document = specs.device(name).model_dump() | changes
    return specs.validate(DeviceSpec, document, Path("device.toml"), name)


def test_a_default_clock_above_the_last_wait_state_is_refused() -> None:
    clock = {"value": 200_000_000, "source": "a test, not a document"}
    with pytest.raises(ContentError, match=r"clock_hz must be above 0 and at most 120000000"):
        changed("nucleo-l4r5zi", clock_hz=clock)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bytes": 1000}, "bytes must be a power of two"),
        ({"line_bytes": 24}, "line_bytes must be a power of two"),
        ({"bytes": 64, "line_bytes": 32, "ways": 4}, "must be a multiple of"),
        ({"fills": "page"}, "'word' or 'line'"),
    ],
)
def test_an_impossible_cache_is_refused(changes: dict[str, object], says: str) -> None:
    cache = {"bytes": 1024, "line_bytes": 32, "ways": 2, "fills": "line", "source": "a test, no document"}
    assert Cache.model_validate(cache).sets == 16
    timing = specs.device("nucleo-l4r5zi").flash_timing.model_dump() | {"data_cache": cache | changes}
    with pytest.raises(ContentError, match=says):
        changed("nucleo-l4r5zi", flash_timing=timing)


def test_a_shared_cache_excludes_the_other_two() -> None:
    timing = specs.device("nucleo-l4r5zi").flash_timing.model_dump()
    timing["shared_cache"] = timing["data_cache"]
    with pytest.raises(ContentError, match="shared_cache takes the place"):
        changed("nucleo-l4r5zi", flash_timing=timing)
