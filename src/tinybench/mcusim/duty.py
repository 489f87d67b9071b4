"""Average power and battery life of a device that infers at a fixed rate and rests in between.

One period is an inference at the profile's run power and the rest of the period at its sleep current, or
its idle current if the profile has no other:

    average power = rate * (inference energy + rest power * (1 / rate - latency))
    battery life = capacity * supply voltage / average power

The battery feeds the device directly or through a linear regulator: what the device draws, the battery
gives, whatever its voltage. Not included: self-discharge and ageing, the regulator's own current, waking up,
sensors and radio, and that a current above the rated one gets less out of a battery.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tinybench.errors import UsageError
from tinybench.specs import BatterySpec, DeviceSpec

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Duty:
    """How a device spends its time and what that costs; the figures are None where ``reason`` says why."""

    rate_hz: float
    """Inferences per second."""
    active_fraction: float
    rest_mode: str | None
    """``"sleep"`` or ``"idle"``: what the device does between inferences."""
    average_power_w: float | None
    battery: str | None
    battery_life_s: float | None
    reason: str | None
    """Why a figure is not available."""
    notes: tuple[str, ...]
    """What is not as the figures assume."""


def parse_rate(text: str) -> float:
    """Inferences per second of a rate such as ``1/s``, ``10/min``, ``4/h`` or ``24/d``.

    Raises:
        UsageError: it is not a rate.
    """
    found = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*/\s*(s|min|h|d)\s*", text, re.ASCII)
    rate = float(found[1]) / _SECONDS[found[2]] if found else 0.0
    if rate <= 0:
        raise UsageError(
            f"'{text}' is not a duty", hint="give inferences per time, such as 1/s, 10/min, 4/h or 24/d"
        )
    return rate


def plan(
    device: DeviceSpec,
    rate_hz: float,
    latency_s: float,
    inference_energy_j: float | None,
    battery: BatterySpec | None = None,
) -> Duty:
    """What a device costs that runs ``rate_hz`` inferences per second of ``latency_s`` seconds each.

    Raises:
        UsageError: that many inferences do not fit into the time.
    """
    active = rate_hz * latency_s
    if active > 1:
        raise UsageError(
            f"{rate_hz:.4g} inferences per second do not fit: one takes {latency_s:.4g} s on {device.id}",
            hint=f"give a duty of at most {1 / latency_s:.3g}/s",
        )
    mode, reason, average = None, None, None
    power = device.power
    if power is None:
        reason = f"the profile of {device.id} has no current with a source"
    elif inference_energy_j is None:
        reason = "the energy of an inference is not known"
    else:
        rest = power.sleep_a or power.idle_a
        mode = "sleep" if power.sleep_a else "idle" if power.idle_a else None
        if rest is None:
            reason = f"the profile of {device.id} has no idle or sleep current with a source"
        else:
            average = rate_hz * inference_energy_j + power.supply_v.value * rest.value * (1 - active)
    life: float | None = None
    notes: tuple[str, ...] = ()
    if battery is not None and average is not None and power is not None:
        current_a = average / power.supply_v.value
        life = battery.capacity_ah.value * 3600 / current_a
        peak_a = (inference_energy_j or 0.0) / latency_s / power.supply_v.value
        notes = _notes(battery, power.supply_v.value, peak_a)
    return Duty(
        rate_hz=rate_hz,
        active_fraction=active,
        rest_mode=mode,
        average_power_w=average,
        battery=None if battery is None else battery.id,
        battery_life_s=life,
        reason=reason,
        notes=notes,
    )


def _notes(battery: BatterySpec, supply_v: float, peak_a: float) -> tuple[str, ...]:
    notes = []
    if peak_a > battery.rated_a.value:
        notes.append(
            f"an inference draws {peak_a * 1e3:.3g} mA, and the capacity of {battery.id} is rated at "
            f"{battery.rated_a.value * 1e3:g} mA: expect less"
        )
    if supply_v > battery.empty_v.value:
        notes.append(
            f"the device is supplied with {supply_v:g} V, which {battery.id} does not give until it is empty"
        )
    return tuple(notes)
