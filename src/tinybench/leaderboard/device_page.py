"""``/devices/<device>/``: a board, what is known of it, and every result on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tinybench import specs
from tinybench.leaderboard import addresses, figures, tables
from tinybench.leaderboard.board import Row
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.catalogue import (
    EMPTY,
    Group,
    Item,
    by_title,
    counted,
    elsewhere,
    groups,
    write_list,
)
from tinybench.quantities import frequency, size
from tinybench.specs import Cache, DeviceSpec, FlashTiming

Constant = tuple[str, str, str]
"""What it is, its value, and the document that it was read from."""


def write(context: Context) -> None:
    """A page for each device that has results or a profile, and the list of all."""
    found = groups(context.board, lambda row: row.device.id if row.device else None)
    profiles = {name: device for name, device in specs.devices().items() if not device.emulated}
    items = []
    for device_id in sorted(found.keys() | profiles.keys()):
        group, profile = found.get(device_id, EMPTY), profiles.get(device_id)
        name, said = title(device_id, group, profile), _said(group)
        _write(context, device_id, name, group, profile, said)
        chips = [profile.chip] if profile else said["Chip"]
        cores = [profile.core] if profile else said["Core"]
        simulated = "no"
        if profile:
            simulated = "yes" if profile.flash_timing else "estimated" if profile.npu else "no"
        cells = (", ".join(chips), ", ".join(cores), simulated, counted(group.rows))
        items.append(Item(addresses.device(device_id), name, cells))
    write_list(
        context,
        addresses.DEVICES,
        "Devices",
        "Boards, chips and NPUs with results, and those that tinybench can simulate, estimate or measure.",
        ("Device", "Chip", "Core", "Can be simulated", "Results"),
        by_title(items),
        context.board.rows,
    )


def title(device_id: str, group: Group, profile: DeviceSpec | None) -> str:
    """As its profile calls it; else as most results do."""
    if profile is not None:
        return profile.title
    boards = [row.device.board for row in group.rows if row.device and row.device.board]
    return max(sorted(set(boards)), key=boards.count, default=device_id)


def _write(
    context: Context,
    device_id: str,
    name: str,
    group: Group,
    profile: DeviceSpec | None,
    said: Mapping[str, list[str]],
) -> None:
    address = addresses.device(device_id)
    context.pages.add(
        address,
        f"{name}: results",
        "device",
        description=f"Benchmark results on {name}: {counted(group.rows)}.",
        device_id=device_id,
        name=name,
        profile=profile,
        constants=list(constants(profile)) if profile else [],
        said=said,
        counted=counted(group.rows),
        figures=figures.gallery(context).of_device(device_id),
        table=tables.table(context, address, group.frame(context), caption="Results", hide=("core",))
        if group.rows
        else None,
        addresses=addresses,
        **elsewhere(group.rows),
    )


def _said(group: Group) -> dict[str, list[str]]:
    """What the results say of the device, in all their ways."""

    def clock(row: Row) -> str | None:
        return frequency(row.device.clock_hz) if row.device and row.device.clock_hz else None

    def accelerator(row: Row) -> str | None:
        return row.device.accelerator.name if row.device and row.device.accelerator else None

    return {
        "Board": group.values(lambda row: row.device.board if row.device else None),
        "Chip": group.values(lambda row: row.device.chip if row.device else None),
        "Core": group.values(lambda row: row.device.core if row.device else None),
        "Clock": group.values(clock),
        "Accelerator": group.values(accelerator),
        "Engine": group.values(lambda row: row.result.engine.name),
    }


def constants(profile: DeviceSpec) -> Iterator[Constant]:
    """Every constant of a profile, with its source."""
    yield "Clock", frequency(profile.clock_hz.value), profile.clock_hz.source
    for name, region in (("Flash", profile.flash), ("RAM", profile.ram)):
        if region is not None:
            yield name, f"{size(region.bytes)} at {region.base:#010x}", region.source
    if profile.flash_timing is not None:
        yield from _timing(profile.flash_timing)
    if profile.ram_timing:
        above = f" above {frequency(profile.ram_timing.above_hz)}" if profile.ram_timing.above_hz else ""
        yield "Wait of the RAM", f"{profile.ram_timing.wait_cycles} cycles{above}", profile.ram_timing.source
    if profile.npu is not None:
        npu = profile.npu
        settings = f"{npu.accelerator}, {npu.system_config}, {npu.memory_mode}"
        yield "Configuration of Vela", settings, npu.source
        yield "Core for what the NPU does not execute", f"that of {npu.host.value}", npu.host.source
    power = profile.power
    if power is not None:
        yield "Supply", f"{power.supply_v.value:g} V", power.supply_v.source
        yield "Current per clock", f"{power.run_a_per_hz.value * 1e12:g} µA/MHz", power.run_a_per_hz.source
        yield "Constant current", f"{power.run_offset_a.value * 1e3:g} mA", power.run_offset_a.source
        for name, current in (("Current when idle", power.idle_a), ("Current asleep", power.sleep_a)):
            if current is not None:
                yield name, f"{current.value * 1e6:g} µA", current.source


def _timing(timing: FlashTiming) -> Iterator[Constant]:
    states = ", ".join(f"{cycles} up to {frequency(clock)}" for clock, cycles in timing.wait_states.table)
    yield "Wait states of the flash", states, timing.wait_states.source
    if timing.bus_cycles:
        yield "Cycles of the bus", str(timing.bus_cycles.value), timing.bus_cycles.source
    yield "Width of the flash", f"{timing.width_bytes.value} bytes", timing.width_bytes.source
    yield "Prefetch", "on" if timing.prefetch.value else "off", timing.prefetch.source
    for name, cache in (
        ("Instruction cache", timing.instruction_cache),
        ("Data cache", timing.data_cache),
        ("Cache", timing.shared_cache),
    ):
        if cache is not None:
            yield name, _cache(cache), cache.source


def _cache(cache: Cache) -> str:
    ways = f"{cache.ways} ways" if cache.ways else "fully associative"
    return f"{size(cache.bytes)}, lines of {cache.line_bytes} bytes, {ways}"
