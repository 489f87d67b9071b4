"""Energy of a simulated inference: the profile's current times supply voltage times time.

Included is all that the measured supply rail of the board feeds while the core runs from flash. Not
included are the board's debugger, sensors, and whatever the application does between inferences.
"""

from __future__ import annotations

from tinybench.specs import DeviceSpec


def run_power_w(device: DeviceSpec) -> float | None:
    """Power in watts while the core executes: V * (current per hertz * clock + offset).

    None if the profile has no current with a source.
    """
    power = device.power
    if power is None:
        return None
    current_a = power.run_a_per_hz.value * device.clock_hz.value + power.run_offset_a.value
    return power.supply_v.value * current_a


def inference_energy_j(device: DeviceSpec, latency_s: float) -> float | None:
    """Energy in joules of an inference that takes ``latency_s`` seconds; None as for ``run_power_w``."""
    power_w = run_power_w(device)
    return None if power_w is None else power_w * latency_s
