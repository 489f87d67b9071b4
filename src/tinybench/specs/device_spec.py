"""Devices: memories, clocks and currents, each constant with its source; and batteries."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from tinybench.errors import UsageError
from tinybench.specs.base import Frozen, Identifier, Source, Sourced, Spec

USB_ID: Final = r"^[0-9a-f]{4}:[0-9a-f]{4}$"
"""Vendor and product of a USB device, as ``lsusb`` prints them."""
SIMULATED_CORES: Final = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33")
"""Cores whose timing the simulator knows."""


class Region(Frozen):
    """One memory of the chip, as the linker sees it."""

    base: int
    """Address of its first byte."""
    bytes: Annotated[int, Field(gt=0)]
    """Its size."""
    source: Source
    """Where base and size are from."""


class WaitStates(Frozen):
    """Extra core cycles of a flash access against the clock: (highest clock in hertz, cycles), ascending."""

    table: Annotated[tuple[tuple[int, int], ...], Field(min_length=1)]
    """Pairs of the highest clock in hertz and the wait states up to it, clocks ascending."""
    source: Source
    """Where the table is from."""

    @model_validator(mode="after")
    def _ascending(self) -> WaitStates:
        clocks = [clock for clock, _ in self.table]
        if clocks != sorted(set(clocks)):
            raise ValueError("the clocks of the table must ascend")
        return self

    def at(self, clock_hz: int) -> int:
        """Wait states that the manual demands at a clock."""
        return next(states for highest, states in self.table if clock_hz <= highest)


class Cache(Frozen):
    """A cache or a set of line buffers between core and flash, least recently used first out."""

    bytes: Annotated[int, Field(gt=0)]
    """Its size: a power of two."""
    line_bytes: Annotated[int, Field(gt=0)]
    """Size of a line: a power of two."""
    ways: Annotated[int, Field(ge=0)]
    """0: fully associative."""
    fills: Literal["word", "line"]
    """What a miss reads: one flash word of a line, or all of the line."""
    source: Source
    """Where all of it is from."""

    @property
    def sets(self) -> int:
        """Number of sets; 1 if fully associative."""
        return 1 if self.ways == 0 else self.bytes // (self.line_bytes * self.ways)

    @model_validator(mode="after")
    def _whole_sets(self) -> Cache:
        for name in ("bytes", "line_bytes"):
            value = getattr(self, name)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of two")
        if self.bytes % (self.line_bytes * max(1, self.ways)):
            raise ValueError("bytes must be a multiple of line_bytes and ways")
        return self


class RamTiming(Frozen):
    """How long the core waits for its RAM; none of it by default."""

    wait_cycles: int
    """Stall of every word loaded; stores wait in a buffer."""
    above_hz: int = 0
    """Only at clocks above this one."""
    source: Source
    """Where it is from."""


class FlashTiming(Frozen):
    """How long the core waits for its flash, and what hides it."""

    wait_states: WaitStates
    """What the manual demands at which clock."""
    bus_cycles: Sourced[int] | None = None
    """More cycles of every miss: what lies between core and flash."""
    width_bytes: Sourced[int]
    """Bytes that one flash access reads."""
    prefetch: Sourced[bool]
    """Whether the next flash word is read ahead on instruction fetch."""
    instruction_cache: Cache | None = None
    """What lies between core and flash on instruction fetch."""
    data_cache: Cache | None = None
    """And on loads of data."""
    shared_cache: Cache | None = None
    """One cache for instructions and data, in place of the other two."""

    @model_validator(mode="after")
    def _one_kind_of_cache(self) -> FlashTiming:
        if self.shared_cache and (self.instruction_cache or self.data_cache):
            raise ValueError("shared_cache takes the place of instruction_cache and data_cache")
        return self


class Power(Frozen):
    """Supply, and current in each mode, typical at 25 degrees Celsius."""

    supply_v: Sourced[float]
    """Supply of the core rail in volt."""
    run_a_per_hz: Sourced[float]
    """Core and flash, peripherals off: ampere per hertz."""
    run_offset_a: Sourced[float]
    """What the rail draws beside, whatever the clock: a static current of the data sheet, or fitted."""
    idle_a: Sourced[float] | None = None
    """Core stopped by WFI, clocks running at the default clock."""
    sleep_a: Sourced[float] | None = None
    """The deepest mode that keeps the RAM, with a timer running where the source tells."""


class BoardSpec(Frozen):
    """How a computer reaches the board: its serial port, and the probe that writes its flash."""

    usb: tuple[Annotated[str, Field(pattern=USB_ID)], ...] = ()
    """USB ids of what may carry its serial port. A probe sits on many boards, so an id names none."""
    baud: Annotated[int, Field(gt=0)] = 115_200
    """Symbols per second of the serial port, unless the firmware says otherwise."""
    pyocd_target: Annotated[str, Field(min_length=1)] | None = None
    """What pyOCD calls the chip; None: its flash is written by other means."""
    emulated: bool = False
    """Whether it is a program: what it takes is simulated, never measured."""
    source: Source
    """Where ids and target are from."""


class NpuSpec(Frozen):
    """What the compiler of an Arm Ethos-U is told, and which core is beside it. Its clock is the device's."""

    accelerator: Annotated[str, Field(pattern=r"^ethos-u(55|65|85)-[0-9]+$")]
    """Vela's name of the NPU with its multiply-accumulates per cycle."""
    system_config: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
    """Section of Vela's configuration file: the clock, and what memories are on which port."""
    memory_mode: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
    """Section of the same file: what lies in which memory."""
    source: Source
    """Where they are from, and why these."""
    host: Sourced[str]
    """Id of the device, one that is simulated, whose core executes what the NPU does not."""


class DeviceSpec(Spec):
    """``runners/devices/<id>.toml``: one board or NPU, each constant with its source.

    With ``flash_timing`` it can be simulated, which takes one of the simulated cores, flash and RAM. With
    ``npu`` it is no board, and what it does is estimated by the NPU's compiler. Without either, it can be
    measured only.
    """

    vendor: str
    """Who makes the board, or designed the NPU."""
    chip: str
    """Name of the chip; of an NPU that is in many chips, its own."""
    core: Identifier
    """Name of the core: ``cortex-m4``, ``riscv32imc``; to be simulated, cortex-m0plus, m3, m4, m7 or m33.
    What has none gives its kind: ``npu``."""
    clock_hz: Sourced[int]
    """The default clock; ``at_clock`` gives others."""
    flash: Region | None = None
    """Where code and weights lie."""
    ram: Region | None = None
    """Where the tensor arena lies."""
    flash_timing: FlashTiming | None = None
    """How long the core waits for the flash; None: the board can be measured only."""
    ram_timing: RamTiming | None = None
    """How long it waits for the RAM; not at all if left out."""
    power: Power | None = None
    """None: no current with a source is known, and energy is not available."""
    board: BoardSpec | None = None
    """How the board is reached, to measure on it; None: by a port that is named."""
    npu: NpuSpec | None = None
    """What Vela is told of it; None: it is no Ethos-U."""
    runners: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """What a runner that is a plug-in wants to know of it, by name of the runner, which checks it itself."""

    @model_validator(mode="after")
    def _clock_is_legal(self) -> DeviceSpec:
        if self.clock_hz.value <= 0:
            raise ValueError("clock_hz must be above 0")
        if self.highest_hz is not None and self.clock_hz.value > self.highest_hz:
            raise ValueError(
                f"clock_hz must be above 0 and at most {self.highest_hz}, the last clock of the wait states"
            )
        return self

    @model_validator(mode="after")
    def _is_simulated_or_not(self) -> DeviceSpec:
        if (self.flash is None) != (self.ram is None):
            raise ValueError("give both flash and ram, or none of them")
        if self.flash_timing is None:
            if self.ram_timing is not None:
                raise ValueError("ram_timing without flash_timing is read by nobody")
        elif self.flash is None:
            raise ValueError("flash_timing needs flash and ram")
        elif self.core not in SIMULATED_CORES:
            raise ValueError(
                f"core '{self.core}' is not simulated, only {', '.join(SIMULATED_CORES)}: "
                "leave flash_timing out of a board that is measured only"
            )
        return self

    @model_validator(mode="after")
    def _is_an_npu_or_not(self) -> DeviceSpec:
        if self.core == "npu" and self.npu is None and not self.runners:
            raise ValueError("core 'npu' needs a table npu, or one of the runner that estimates it")
        if self.core != "npu" and self.npu is not None:
            raise ValueError("a table npu needs core 'npu'")
        if self.npu is not None:
            for key in ("flash", "ram", "power", "board"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} is read by nobody beside a table npu")
        return self

    def check_simulated(self) -> None:
        """See that the simulator knows all that it needs.

        Raises:
            UsageError: the profile has no timing.
        """
        self.check_no_npu()
        if self.flash_timing is None:
            raise UsageError(
                f"{self.id} has no timing: it can be measured with --runner board, not simulated",
                hint="add flash_timing to its profile, if it has a simulated core, or take another device",
            )

    def check_no_npu(self) -> None:
        """See that it is something with a core.

        Raises:
            UsageError: it is an NPU.
        """
        if self.core == "npu":
            runner = "ethos-u" if self.npu is not None else next(iter(self.runners))
            raise UsageError(
                f"{self.id} is an NPU, which has no core",
                hint=f"'tinybench run --runner {runner}' estimates it",
            )

    def check_npu(self) -> NpuSpec:
        """What the compiler of the NPU is told.

        Raises:
            UsageError: it is no Ethos-U.
        """
        if self.npu is None:
            raise UsageError(
                f"{self.id} is no Ethos-U",
                hint="add --device ethos-u55-128 ('tinybench list devices' has more), or use another runner",
            )
        return self.npu

    @property
    def timing(self) -> FlashTiming:
        """How long the core waits for the flash.

        Raises:
            UsageError: the profile has no timing.
        """
        self.check_simulated()
        assert self.flash_timing is not None
        return self.flash_timing

    @property
    def memories(self) -> tuple[Region, Region]:
        """Flash and RAM, as the linker sees them.

        Raises:
            UsageError: the profile has none.
        """
        if self.flash is None or self.ram is None:
            raise UsageError(
                f"the profile of {self.id} says nothing of its memories", hint="add flash and ram to it"
            )
        return self.flash, self.ram

    @property
    def highest_hz(self) -> int | None:
        """The highest legal clock in hertz; None if the profile does not say."""
        return None if self.flash_timing is None else self.flash_timing.wait_states.table[-1][0]

    def at_clock(self, clock_hz: int) -> DeviceSpec:
        """The same device at another clock, with the wait states that it demands there.

        Raises:
            UsageError: the device does not run at that clock.
        """
        if self.npu is not None:
            raise UsageError(
                f"the clock of {self.id} is that of Vela's {self.npu.system_config}, "
                f"{self.clock_hz.value / 1e6:g} MHz",
                hint="leave --clock away",
            )
        highest = self.highest_hz
        if clock_hz <= 0 or (highest is not None and clock_hz > highest):
            raise UsageError(
                f"{self.id} does not run at {clock_hz / 1e6:g} MHz",
                hint="a clock is above 0" if highest is None else f"up to {highest / 1e6:g} MHz are legal",
            )
        chosen = self.clock_hz.model_copy(update={"value": clock_hz})
        return self.model_copy(update={"clock_hz": chosen})

    @property
    def emulated(self) -> bool:
        """Whether it is a program in place of a board: it has no timing, and nothing of it is published."""
        return self.board is not None and self.board.emulated

    @property
    def ram_wait_cycles(self) -> int:
        """Stall of every word loaded from RAM at the chosen clock."""
        timing = self.ram_timing
        return 0 if timing is None or self.clock_hz.value <= timing.above_hz else timing.wait_cycles

    @property
    def miss_cycles(self) -> int:
        """Core cycles that a read costs which no cache or buffer serves, beyond those of a hit."""
        timing = self.timing
        bus_cycles = timing.bus_cycles.value if timing.bus_cycles else 0
        return timing.wait_states.at(self.clock_hz.value) + bus_cycles


class BatterySpec(Spec):
    """``runners/batteries/<id>.toml``: one kind of battery, each figure with its source."""

    capacity_ah: Sourced[Annotated[float, Field(gt=0)]]
    """Charge in ampere hours, new, at room temperature, from full to ``empty_v`` at ``rated_a``."""
    rated_a: Sourced[Annotated[float, Field(gt=0)]]
    """The current that the capacity is given for; a larger one gets less out of the battery."""
    nominal_v: Sourced[Annotated[float, Field(gt=0)]]
    empty_v: Sourced[Annotated[float, Field(gt=0)]]
