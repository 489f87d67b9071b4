"""Average power and battery life at a fixed rate of inferences."""

from __future__ import annotations

import pytest

from tinybench import specs
from tinybench.errors import UnknownNameError, UsageError
from tinybench.mcusim.duty import Duty, parse_rate, plan
from tinybench.specs import DeviceSpec, Power


def board(**currents: float) -> DeviceSpec:
    def sourced(value: float) -> dict[str, object]:
        return {"value": value, "source": "no real device"}

    values = {"supply_v": 3.0, "run_a_per_hz": 1e-10, "run_offset_a": 0.0, **currents}
    power = Power.model_validate({name: sourced(value) for name, value in values.items()})
    return specs.device("nucleo-l4r5zi").model_copy(update={"id": "test-board", "power": power})


@pytest.mark.parametrize(
    ("text", "hertz"),
    [("1/s", 1), ("10/min", 1 / 6), ("4/h", 1 / 900), ("24/d", 1 / 3600), (" 0.5 / s ", 0.5)],
)
def test_a_rate(text: str, hertz: float) -> None:
    assert parse_rate(text) == pytest.approx(hertz)


@pytest.mark.parametrize("text", ["", "1", "1/fortnight", "0/s", "-1/s", "1/s/s", "nan/s", "1e3/s", "s/1"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duty"):
        parse_rate(text)


def test_average_power_is_inference_and_rest() -> None:
    # 2 inferences of 0.1 s and 1 mJ a second, and 0.8 s of 3 V * 10 uA: 2 mW + 24 uW.
    found = plan(board(sleep_a=10e-6, idle_a=1e-3), 2.0, 0.1, 1e-3)
    assert found.average_power_w == pytest.approx(2e-3 + 24e-6)
    assert (found.active_fraction, found.rest_mode, found.reason) == (pytest.approx(0.2), "sleep", None)
    assert (found.battery, found.battery_life_s, found.notes) == (None, None, ())


def test_a_device_without_a_sleep_current_idles() -> None:
    found = plan(board(idle_a=1e-3), 2.0, 0.1, 1e-3)
    assert found.rest_mode == "idle"
    assert found.average_power_w == pytest.approx(2e-3 + 0.8 * 3e-3)


def test_a_battery_gives_what_the_device_draws() -> None:
    found = plan(board(sleep_a=10e-6), 2.0, 0.1, 1e-3, specs.battery("CR2032"))
    assert found.average_power_w is not None
    assert found.battery_life_s == pytest.approx(0.225 * 3600 / (found.average_power_w / 3.0))
    assert "an inference draws 3.33 mA" in found.notes[0]
    assert "supplied with 3 V, which cr2032 does not give until it is empty" in found.notes[1]


def test_within_the_ratings_there_is_nothing_to_note() -> None:
    assert plan(board(sleep_a=1e-6), 1.0, 0.1, 1e-3, specs.battery("lipo-500")).notes == ()


@pytest.mark.parametrize("rate", [10.0, 1.0])
def test_what_fills_all_time_never_rests(rate: float) -> None:
    found = plan(board(sleep_a=1e-3), rate, 1 / rate, 1e-3)
    assert found.active_fraction == 1
    assert found.average_power_w == pytest.approx(rate * 1e-3)


def test_a_duty_that_does_not_fit_is_refused_with_the_one_that_does() -> None:
    with pytest.raises(UsageError, match=r"do not fit: one takes 0\.1 s") as caught:
        plan(board(sleep_a=1e-6), 11.0, 0.1, 1e-3)
    assert caught.value.hint == "give a duty of at most 10/s"


@pytest.mark.parametrize(
    ("device", "energy", "reason"),
    [
        (board(), 1e-3, "no idle or sleep current"),
        (board(sleep_a=1e-6).model_copy(update={"power": None}), None, "no current with a source"),
        (board(sleep_a=1e-6), None, "the energy of an inference is not known"),
    ],
)
def test_without_a_sourced_current_there_is_a_reason_and_no_figure(
    device: DeviceSpec, energy: float | None, reason: str
) -> None:
    found: Duty = plan(device, 1.0, 0.1, energy, specs.battery("cr2032"))
    assert (found.average_power_w, found.battery_life_s, found.rest_mode) == (None, None, None)
    assert found.reason is not None
    assert reason in found.reason


def test_batteries_are_found_in_either_case_and_named_when_unknown() -> None:
    assert specs.battery("AA-Pair") == specs.battery("aa-pair")
    with pytest.raises(UnknownNameError, match="unknown battery 'cr2031'") as caught:
        specs.battery("CR2031")
    assert "cr2032" in str(caught.value.hint)


def test_every_battery_is_plausible() -> None:
    for battery in specs.batteries().values():
        assert 0 < battery.empty_v.value < battery.nominal_v.value < 5
        assert 0 < battery.rated_a.value <= battery.capacity_ah.value
