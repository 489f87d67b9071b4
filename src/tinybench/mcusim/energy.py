"""Energy of a simulated inference: the profile's current times supply voltage times time.

Included is all that the measured supply rail of the board feeds while the core runs from flash. Not
included are the board's debugger, sensors, and whatever the application does between inferences.
"""

from __future__ import annotations

from tinybench.specs import DeviceSpec


def run_power_w(device: DeviceSpec) -> float:
    """Power in watts while the core executes: V * (current per hertz * clock + offset)."""
    power = device.power
    current_a = power.run_a_per_hz.value * device.clock_hz.value + power.run_offset_a.value
    return power.supply_v.value * current_a


def inference_energy_j(device: DeviceSpec, latency_s: float) -> float:
    """Energy in joules of an inference that takes ``latency_s`` seconds."""
    return run_power_w(device) * latency_s
