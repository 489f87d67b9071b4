"""TB50x: figures that a core, a supply or a memory cannot have, or that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tinybench import specs
from tinybench.quantities import frequency, quantity, size
from tinybench.results.schema import DeviceRef, MetricName, Result
from tinybench.specs import Region
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.system import MemoryKind, System

PEAK_MACS_PER_CYCLE: Final[dict[str, tuple[int, str]]] = {
    "cortex-m0plus": (1, "MULS, single-cycle multiplier (Cortex-M0+ TRM, instruction set summary)"),
    "cortex-m3": (1, "MUL (Cortex-M3 TRM, instruction timings)"),
    "cortex-m4": (2, "SMLAD, two 16-bit MACs (Cortex-M4 TRM, instruction timings)"),
    "cortex-m33": (2, "SMLAD of the DSP extension (Cortex-M33 TRM)"),
    "cortex-m7": (2, "SMLAD, one of the two issue slots multiplies (Cortex-M7 TRM)"),
    "cortex-m55": (8, "Helium, two 32-bit beats of int8 MACs (Cortex-M55 TRM)"),
    "cortex-m85": (8, "Helium, two 32-bit beats of int8 MACs (Cortex-M85 TRM)"),
}
"""Core -> int8 multiply-accumulates that it can at most finish in a cycle, and by which instruction.

Fetching operands, storing and looping are not counted, so that real kernels stay well below: the fastest that
was published reaches 0.70 on a Cortex-M4, 1.12 on a Cortex-M7 and 3.1 on a Cortex-M85 (MLPerf Tiny v1.2).
"""

_PEAKS: Final = ", ".join(
    f"{core} {peak} by {source}" for core, (peak, source) in PEAK_MACS_PER_CYCLE.items()
)

MIN_CURRENT_A: Final = 10e-6
"""Less than any core draws while it executes: 100 kHz at 100 uA/MHz."""
MAX_CURRENT_A: Final = 2.0
"""More than the supply of any board with a microcontroller gives: 0.5 to 1.5 A over USB."""
_RUNS: Final = 0.06
"""How far energy and power times latency may be apart: the two runs 5 %, median and mean 1 %."""
_ROUNDING: Final = 0.001
"""Of figures that were printed with three or more digits."""
_POWER: Final[tuple[MetricName, ...]] = ("power.active", "power.average")

TOO_FAST: Final = rule(
    "TB501",
    "faster-than-the-core",
    "error",
    title="More multiply-accumulates per cycle than the core can do",
    why=f"""Latency times clock gives the cycles of an inference; the model's MACs divided by them must stay
    below what the core's multiplier can do in a cycle: {_PEAKS}. A figure above that has a wrong unit,
    clock, number of inferences or model. Systems with an accelerator and other cores are not judged.""",
    hint="Compare clock, inferences and model with what was run; name an accelerator that was used.",
)
CURRENT: Final = rule(
    "TB502",
    "current-out-of-range",
    "error",
    title="The power means a current that no such board draws",
    why=f"""Power divided by the supply voltage is the mean current. Below {MIN_CURRENT_A * 1e6:g} uA no
    core executes anything (100 kHz at 100 uA/MHz); above {MAX_CURRENT_A:g} A the supply of a board with a
    microcontroller is long at its limit (USB gives 0.5 to 1.5 A; not judged for systems with an accelerator
    or other cores). Such a figure most often has the wrong unit, or energy of several inferences.""",
    hint="Check units (W and J in results) and the supply voltage.",
)
ENERGY_POWER: Final = rule(
    "TB503",
    "energy-is-not-power-times-latency",
    "error",
    title="Energy per inference is not power times latency",
    why=f"""The device computes without pause during a window, so that energy per inference is active power
    times latency. The two may come from two runs, which may differ by 5 %, and from medians and means; more
    than {_RUNS:.0%} apart, one of the three is wrong.""",
    hint="Recompute power over the same windows as the energy; check the number of inferences.",
)
CYCLES: Final = rule(
    "TB504",
    "cycles-are-not-latency-times-clock",
    "error",
    title="Cycles are not latency times clock",
    why=f"""Cycles per inference divided by the clock are the latency. More than {_ROUNDING:.1%} apart, the
    clock is not the one that the device ran at.""",
    hint="Correct the clock of the device.",
)
MEMORY: Final = rule(
    "TB505",
    "larger-than-memory",
    "error",
    title="The model needs more memory than the chip has",
    why="""Flash and RAM of the device profile, and the memories that system.toml lists, external ones
    included, bound what code, weights and tensors can take. A measured tensor arena is part of the RAM.""",
    hint="List all memories in system.toml, external ones too, or correct the figure.",
)


def check_physics(entry: Entry, system: System | None = None) -> Iterator[Finding]:
    """What a result cannot be, by what is known of its core, supply and memories.

    Args:
        entry: result to judge; evidence is not looked at.
        system: of the submission, for memories that no device profile lists.
    """
    result = entry.result
    if isinstance(result.device, DeviceRef):
        yield from _speed(entry, result.device)
        yield from _current(entry, result.device)
        yield from _cycles(entry, result.device)
        yield from _memory(entry, result.device, system)
    latency = _value(result, "latency.per_inference")
    energy, power = _value(result, "energy.per_inference"), _value(result, "power.active")
    if latency and energy and power and _apart(energy, power * latency) > _RUNS:
        expected = f"{quantity(power, 'W')} for {quantity(latency, 's')} are {quantity(power * latency, 'J')}"
        yield ENERGY_POWER.found(
            _at(entry, "energy.per_inference"),
            f"{quantity(energy, 'J')}, but {expected}",
        )


def _speed(entry: Entry, device: DeviceRef) -> Iterator[Finding]:
    latency, macs = _value(entry.result, "latency.per_inference"), entry.result.model.macs
    if latency is None or not (macs and device.clock_hz) or not _computes_alone(device):
        return
    peak, _ = PEAK_MACS_PER_CYCLE[device.core or ""]
    cycles = latency * device.clock_hz
    if macs > peak * cycles * (1 + _ROUNDING):
        ratio = f"{macs / cycles:.3g}" if cycles else "infinitely many"
        yield TOO_FAST.found(
            _at(entry, "latency.per_inference"),
            f"{macs:,} MACs in {cycles:,.0f} cycles are {ratio} per cycle; {device.core} does at most {peak}",
        )


def _current(entry: Entry, device: DeviceRef) -> Iterator[Finding]:
    for name in _POWER:
        power = _value(entry.result, name)
        if power is None or device.supply_v is None:
            continue
        current_a = power / device.supply_v
        if current_a < MIN_CURRENT_A or (current_a > MAX_CURRENT_A and _computes_alone(device)):
            yield CURRENT.found(
                _at(entry, name), f"{quantity(power, 'W')} at {device.supply_v:g} V are {current_a:.3g} A"
            )


def _cycles(entry: Entry, device: DeviceRef) -> Iterator[Finding]:
    latency = _value(entry.result, "latency.per_inference")
    cycles = _value(entry.result, "cycles.per_inference")
    if latency is None or cycles is None or device.clock_hz is None:
        return
    if _apart(cycles, latency * device.clock_hz) > _ROUNDING:
        yield CYCLES.found(
            _at(entry, "cycles.per_inference"),
            f"{cycles:,.0f}, but {quantity(latency, 's')} at {frequency(device.clock_hz)} are "
            f"{latency * device.clock_hz:,.0f}",
        )


def _memory(entry: Entry, device: DeviceRef, system: System | None) -> Iterator[Finding]:
    profile = specs.devices().get(device.id)
    flash = _capacity(system, ("flash", "external flash"), profile.flash if profile else None)
    ram = _capacity(system, ("ram", "external ram"), profile.ram if profile else None)
    of_each: tuple[tuple[MetricName, int | None], ...] = (
        ("memory.flash", flash),
        ("memory.ram", ram),
        ("memory.arena", ram),
    )
    for name, most in of_each:
        metric = entry.result.metric(name)
        # A simulated arena is that of an interpreter on a 64-bit host, whose pointers take more.
        if metric is None or most is None or (name == "memory.arena" and metric.mode != "measured"):
            continue
        if metric.value > most:
            yield MEMORY.found(
                _at(entry, name), f"{size(int(metric.value))}, but there are {size(most)} of such memory"
            )
    arena, used = entry.result.metric("memory.arena"), entry.result.metric("memory.ram")
    if arena and used and arena.mode == used.mode == "measured" and arena.value > used.value:
        yield MEMORY.found(
            _at(entry, "memory.arena"),
            f"{size(int(arena.value))}, more than the {size(int(used.value))} of RAM that it is part of",
        )


def _capacity(
    system: System | None, kinds: tuple[MemoryKind, MemoryKind], of_chip: Region | None
) -> int | None:
    """Bytes of memory of a kind, in the chip and beside it; None if nothing is known of it."""
    inside, outside = kinds
    listed = system.memories if system else ()
    internal = max(
        sum(memory.bytes for memory in listed if memory.kind == inside), of_chip.bytes if of_chip else 0
    )
    if not internal:
        return None
    return internal + sum(memory.bytes for memory in listed if memory.kind in (outside, "other"))


def _computes_alone(device: DeviceRef) -> bool:
    """Whether it is a core that is known here, with nothing beside it."""
    return device.accelerator is None and device.core in PEAK_MACS_PER_CYCLE


def _value(result: Result, name: MetricName) -> float | None:
    metric = result.metric(name)
    return None if metric is None else float(metric.value)


def _at(entry: Entry, name: MetricName) -> str:
    return f"{entry.where}: {name}"


def _apart(one: float, other: float) -> float:
    """How far two figures are apart, in parts of the larger one."""
    return abs(one - other) / max(one, other) if one != other else 0.0
