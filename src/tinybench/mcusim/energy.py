"""Energy of a simulated inference: the profile's current times supply voltage times time.

Included is all that the measured supply rail of the board feeds while the core runs from flash. Not
included are the board's debugger, sensors, and whatever the application does between inferences.
"""

from __future__ import annotations

from tinybench.mcusim.placement import FLASH, Placement
from tinybench.specs import DeviceSpec


def run_power_w(device: DeviceSpec, placement: Placement = FLASH) -> float | None:
    """Power in watts while the core executes: V * (current per hertz * clock + offset).

    None if the profile has no current with a source for code that is there.
    """
    power = device.power
    if power is None or placement.code != "flash":
        return None
    current_a = power.run_a_per_hz.value * device.clock_hz.value + power.run_offset_a.value
    return power.supply_v.value * current_a


def inference_energy_j(device: DeviceSpec, latency_s: float, placement: Placement = FLASH) -> float | None:
    """Energy in joules of an inference that takes ``latency_s`` seconds; None as for ``run_power_w``."""
    power_w = run_power_w(device, placement)
    return None if power_w is None else power_w * latency_s


def no_energy(device: DeviceSpec) -> str:
    """Why ``run_power_w`` is None."""
    if device.power is None:
        return f"the profile of {device.id} has no run current with a source"
    return f"the run current in the profile of {device.id} is that of code in flash"
