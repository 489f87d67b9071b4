"""What is on the desk, ready: the power analyser is open, the firmware is there, the board has answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from tinybench.boards.dut import Dut, GarbledError, Identity, SilentError
from tinybench.boards.flashing import flash
from tinybench.boards.own_firmware import named_device
from tinybench.boards.wire import SerialWire
from tinybench.errors import BoardError, MeterError, UsageError
from tinybench.meters import registry
from tinybench.meters.base import MeterSession, Settings
from tinybench.progress import Progress, silent

if TYPE_CHECKING:
    from tinybench.boards.transcript import Say
    from tinybench.runners.base import Bench
    from tinybench.specs import DeviceSpec

USUAL_BAUDS: Final = (115_200, 9_600, 921_600)
"""Of MLPerf Tiny's firmware: most boards, builds for energy, and what is quick."""


class Desk:
    """A board that answers, and the power analyser if there is one."""

    dut: Dut
    identity: Identity

    def __init__(self, bench: Bench, say: Say) -> None:
        self.meter: MeterSession | None = None
        self._bench = bench
        self._say = say

    @classmethod
    @contextmanager
    def opened(
        cls, bench: Bench, device: DeviceSpec | None, say: Say, progress: Progress = silent
    ) -> Iterator[Desk]:
        """Open everything in the order that a board needs: power, firmware, serial line.

        Args:
            bench: what is there.
            device: what the board is; None if that is not known yet.
            say: takes lines of the log.
            progress: called as ``(step, 0, 0)``.

        Raises:
            BoardError: the board does not answer.
            MeterError: the power analyser does not.
        """
        with ExitStack() as stack:
            desk = cls(bench, say)
            # Whatever fails from here on: an analyser that stays open keeps its port and its licence.
            stack.callback(desk._let_go)
            if bench.meter is not None:
                # First, because opening one may take the board's power away for a moment.
                progress("opening the power analyser", 0, 0)
                desk.meter = _open_meter(bench, say)
            if bench.flash is not None and device is not None:
                say("session", flash(bench.flash, device, probe=bench.probe, progress=progress))
            progress("waiting for the board", 0, 0)
            desk.dut, desk.identity = _answering(bench, device, say, stack)
            yield desk

    def open_meter_again(self) -> None:
        """Close a power analyser that failed, open it, and wait for the board, which may have started anew.

        Raises:
            BoardError: the board does not answer.
            MeterError: the power analyser does not.
        """
        self._let_go()
        self.meter = _open_meter(self._bench, self._say)
        again = self.dut.handshake()
        if again != self.identity:
            raise BoardError(f"{self._bench.port}: another board answers: {again.name}", hint="start anew")

    def _let_go(self) -> None:
        if self.meter is not None:
            with suppress(MeterError):
                self.meter.close()
            self.meter = None


def _open_meter(bench: Bench, say: Say) -> MeterSession:
    assert bench.meter is not None
    kind, address = registry.parse(bench.meter)
    meter = kind.open(address, Settings(supply_v=bench.supply_v))
    about = meter.instrument
    supply = "" if about.voltage_v is None else f", {about.voltage_v:g} V {about.voltage}"
    say("meter", f"{about.title}, serial {about.serial}, {about.rate_hz:g} Hz{supply}")
    return meter


def _answering(bench: Bench, device: DeviceSpec | None, say: Say, stack: ExitStack) -> tuple[Dut, Identity]:
    """The board, at the first of the speeds at which it answers."""
    profile = device.board.baud if device is not None and device.board is not None else USUAL_BAUDS[0]
    bauds = (bench.baud,) if bench.baud else tuple(dict.fromkeys((profile, *USUAL_BAUDS)))
    failures = []
    for baud in bauds:
        say("session", f"port {bench.port} at {baud} baud")
        wire = SerialWire(bench.port, baud)
        try:
            dut = Dut(wire, say, bench.patience)
            identity = dut.handshake()
        except (SilentError, GarbledError) as failure:
            wire.close()
            failures.append(failure)
        except BaseException:
            wire.close()
            raise
        else:
            stack.callback(wire.close)
            return dut, identity
    if len(bauds) > 1 and all(isinstance(failure, SilentError) for failure in failures):
        tried = ", ".join(map(str, bauds[:-1]))
        raise SilentError(
            f"{bench.port}: nothing answers at {tried} or {bauds[-1]} baud",
            hint=failures[0].hint,
        )
    raise next((failure for failure in failures if isinstance(failure, GarbledError)), failures[0])


def recognised(bench: Bench) -> str:
    """Id of the device profile of the board on the desk.

    Raises:
        UsageError: its firmware does not name one.
        BoardError: it does not answer.
    """
    with Desk.opened(bench, None, lambda source, text: None) as desk:
        name = desk.identity.name
        found = named_device(name)
    if found is None:
        raise UsageError(
            f"{bench.port}: which board is it? Its firmware only says '{name}'",
            hint="add --device; 'tinybench boards' shows what it may be, 'tinybench list devices' all",
        )
    return found
