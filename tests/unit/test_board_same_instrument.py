"""Windows that an earlier run has measured count if the power analyser is the same."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from tinybench.meters.base import Instrument
from tinybench.runners.board.energy import same_instrument

MEASURED = Instrument(
    kind="joulescope",
    title="Joulescope JS220",
    serial="000001",
    firmware="1.3.2",
    calibration=None,
    rate_hz=1000.0,
    native_rate_hz=1e6,
    range="automatic",
    voltage_v=3.3,
    voltage="measured",
    power_cycles=True,
    edges="GPI 0",
)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"power_cycles": False}, True),
        ({"voltage_v": 3.3004, "power_cycles": False}, True),
        ({"voltage_v": 3.0}, False),
        ({"voltage": "set"}, False),
        ({"serial": "000002"}, False),
        ({"rate_hz": 10_000.0}, False),
        ({"edges": None}, False),
    ],
)
def test_what_is_found_out_at_opening_may_differ(changes: dict[str, object], same: bool) -> None:
    other = asdict(replace(MEASURED, **changes))  # type: ignore[arg-type]
    assert same_instrument(asdict(MEASURED), other) is same
    assert same_instrument(other, asdict(MEASURED)) is same


def test_a_voltage_that_is_set_is_exact() -> None:
    one = replace(MEASURED, voltage="set")
    assert not same_instrument(asdict(one), asdict(replace(one, voltage_v=3.3004)))
