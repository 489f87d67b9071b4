"""Talking to a device under test: MLPerf Tiny's serial protocol, with everything that can go wrong.

A command ends in ``%`` and is answered by lines that end with ``m-ready``. Whatever breaks an answer is one
of four errors: the board stopped answering (``SilentError``), it started anew (``ResetError``), it said
something else than it must (``GarbledError``), or it refused (``RefusedError``). They are ``HiccupError``s:
after ``resynchronise`` the same command may be given again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from tinybench.boards import messages
from tinybench.boards.lines import LineSplitter
from tinybench.boards.messages import Message
from tinybench.boards.transcript import Say
from tinybench.boards.wire import Wire
from tinybench.errors import BoardError

MAX_COMMAND: Final = 80
"""Characters of a command with its ``%``: the command buffer of MLPerf Tiny's firmware."""
LOAD_BYTES: Final = 31
"""Of an input in one ``db`` command, as MLCommons' runner sends them."""
PRINTED_BYTES: Final = 8
"""In one line of ``db print``."""

_QUIET_S: Final = 0.25
"""So long nothing has to come before a line counts as quiet."""
_CLOCK_US: Final = 2**32
_SHOWN: Final = 200
"""Characters of a line that an error quotes."""
_MAX_FACT: Final = 2000
"""Characters of a fact that a board tells of itself: results repeat some of them."""
_MOST_MESSAGES: Final = 10_000
"""In one answer; the buffer of an input has some hundred lines."""


class HiccupError(BoardError):
    """An answer was broken; the same may be asked again."""


class SilentError(HiccupError):
    """The board did not answer in time."""


class ResetError(HiccupError):
    """The board started anew instead of answering."""


class GarbledError(HiccupError):
    """The answer is not what the protocol demands."""


class RefusedError(HiccupError):
    """The board answered ``e-[...]``: it means that, or a byte of the command was lost."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long is waited for what, in seconds, and how often it is tried."""

    boot_s: float = 3.0
    """From opening the port, or from a reset, to ``m-ready``."""
    answer_s: float = 2.0
    """For a command beside ``infer``: without a line for so long, the board is silent."""
    inference_s: float = 30.0
    """For one inference of unknown duration."""
    tries: int = 3
    """How often a command that was answered badly is given in all."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a board says of itself."""

    name: str
    """Of ``m-name-dut-[...]``."""
    profile: str | None = None
    """Of ``m-profile-[...]``."""
    model: str | None = None
    """Of ``m-model-[...]``: the benchmark that is built in."""
    remarks: tuple[str, ...] = ()
    """Of ``m-[...]``: what the firmware adds to that."""


@dataclass(frozen=True, kw_only=True)
class Inference:
    """The answer to ``infer``."""

    inferences: int
    results: tuple[float, ...] | None
    """Output of the last inference; None if the board gave none."""
    laps_us: tuple[int, ...]
    """Timestamps between ``m-infer-start`` and ``m-infer-done``: two, or none if the board pulls a pin."""
    started_s: float
    """Host's clock when ``m-infer-start`` had arrived."""
    lap_s: float | None
    """Host's clock when the first timestamp had arrived."""
    done_s: float
    """Host's clock when ``m-infer-done`` had arrived."""

    @property
    def seconds(self) -> float | None:
        """Between the two timestamps, by the board's clock of 32 bits; None without them."""
        if len(self.laps_us) != 2:
            return None
        return (self.laps_us[1] - self.laps_us[0]) % _CLOCK_US / 1e6

    @property
    def here_s(self) -> float:
        """The same by the host's clock, from the first line of the window to the last."""
        return self.done_s - (self.started_s if self.lap_s is None else self.lap_s)


@dataclass
class _Answer:
    """The lines from a command to ``m-ready``, with the time at which each arrived."""

    said: list[tuple[float, Message]] = field(default_factory=list)

    def of(self, kind: type[Message]) -> list[tuple[float, Message]]:
        return [(at, message) for at, message in self.said if isinstance(message, kind)]


class Dut:
    """A board behind a wire."""

    def __init__(
        self,
        wire: Wire,
        say: Say,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wire = wire
        self.patience = patience or Patience()
        self._say = say
        self._clock = clock
        self._lines = LineSplitter()
        self._heard = 0
        self._unreadable = 0

    # Getting to know each other.

    def handshake(self) -> Identity:
        """Wait until the board is up, and ask who it is: twice, as a byte that is lost makes another name.

        Raises:
            BoardError: it does not answer, or not in this protocol.
        """
        self._boot()
        for _ in range(self.patience.tries):
            try:
                identity = self._identity()
                if identity == self._identity():
                    return identity
            except HiccupError:  # refused: half a command was in the board's buffer
                self._drain()
        raise self._stranger()

    def timestamps(self) -> Literal["printed", "pin"]:
        """Whether the firmware prints its timestamps or pulls a pin, by asking for one.

        Raises:
            BoardError: the answer is broken, or there is none.
        """
        return "printed" if self._ask("timestamp").of(messages.Lap) else "pin"

    def resynchronise(self) -> None:
        """Come to a state in which the next answer belongs to the next command.

        Raises:
            HiccupError: the board says nothing any more, something else, or starts again and again.
        """
        last: HiccupError | None = None
        heard = self._heard
        self._drain()
        for _ in range(self.patience.tries):
            heard = self._heard
            try:
                # Half a command may be in the board's buffer: then the first answer is an error.
                self._ask("name")
            except HiccupError as error:
                last = error
                self._drain()
            else:
                return
        if isinstance(last, ResetError):
            raise ResetError(f"{self.wire.port}: the board starts anew again and again", hint=_RESET)
        if self._heard > heard:
            raise GarbledError(
                f"{self.wire.port}: the board talks, but does not answer any more", hint=_STUCK
            )
        raise SilentError(f"{self.wire.port}: the board stopped answering", hint=_STUCK)

    def _boot(self) -> None:
        """Take what the board says when it starts; one that was up before says nothing."""
        end = self._clock() + self.patience.boot_s
        quiet_at = self._clock() + min(1.0, self.patience.boot_s)
        while self._clock() < end:
            heard = self._hear()
            if any(isinstance(message, messages.Ready) for _, message in heard):
                return
            if heard:
                quiet_at = self._clock() + 1.0
            elif self._clock() > quiet_at and not self._lines.rest:
                return

    def _identity(self) -> Identity:
        names = [message for _, message in self._ask("name").of(messages.Name)]
        if len(names) != 1 or not isinstance(names[0], messages.Name):
            raise GarbledError(f"{self.wire.port}: the board does not say its name", hint=_AGAIN)
        answer = self._ask_if_known("profile")
        if answer is None:
            return Identity(name=names[0].text)
        profiles, models, remarks = (
            tuple(message.text for _, message in answer.said if isinstance(message, kind))
            for kind in (messages.Profile, messages.Model, messages.Info)
        )
        if max(map(len, (names[0].text, *profiles, *models, *remarks))) > _MAX_FACT:
            raise GarbledError(f"{self.wire.port}: what the board says of itself is too long", hint=_AGAIN)
        return Identity(
            name=names[0].text,
            profile=profiles[0] if profiles else None,
            model=models[0] if models else None,
            remarks=remarks,
        )

    def _stranger(self) -> BoardError:
        port, baud = self.wire.port, self.wire.baud
        if not self._heard:
            return SilentError(
                f"{port}: nothing answers at {baud} baud",
                hint=_DEAD,
            )
        if self._unreadable > self._heard // 10:
            return GarbledError(
                f"{port}: what arrives at {baud} baud is not readable",
                hint="give the speed of the firmware with --baud: 115200, 9600 and 921600 are usual",
            )
        return GarbledError(
            f"{port}: something answers, but not in MLPerf Tiny's protocol",
            hint="is this the right port, and the benchmark's firmware? 'tinybench boards --probe' asks all",
        )

    # Inputs and inferences.

    def load(self, data: bytes, *, verify: bool) -> None:
        """Send an input to the board's buffer.

        Args:
            data: the bytes as the firmware wants them.
            verify: whether the buffer is read back and compared.

        Raises:
            BoardError: it was refused, or arrived otherwise each time.
        """
        self._repeat(lambda: self._load(data, verify))

    def _load(self, data: bytes, verify: bool) -> None:
        answer = self._ask(f"db load {len(data)}")
        if not any(message == messages.Expecting(len(data)) for _, message in answer.said):
            raise GarbledError(
                f"{self.wire.port}: the board's buffer does not take {len(data)} bytes",
                hint="is this the firmware of another task?",
            )
        commands = [data[k : k + LOAD_BYTES].hex() for k in range(0, len(data), LOAD_BYTES)]
        # The bytes themselves are the data set: their hash says which they were.
        digest = hashlib.sha256(data).hexdigest()
        self._say("host", f"db of {len(data)} bytes, sha256 {digest}, in {len(commands)} commands")
        for number, digits in enumerate(commands, 1):
            answer = self._ask(f"db {digits}", muted=True)
            done = bool(answer.of(messages.LoadDone))
            if done != (number == len(commands)):
                raise GarbledError(f"{self.wire.port}: bytes of an input were lost on the way", hint=_AGAIN)
        self._say("dut", "m-load-done")
        if verify:
            self._compare(data)

    def _compare(self, data: bytes) -> None:
        answer = self._ask_if_known("db print", muted=True)
        if answer is None:
            self._say("session", "the board does not print its buffer: the input is not compared")
            return
        held = b"".join(m.data for _, m in answer.said if isinstance(m, messages.Buffer))
        if held != data:
            raise GarbledError(
                f"{self.wire.port}: an input arrived with other bytes than were sent", hint=_AGAIN
            )
        self._say("session", "the board's buffer holds these bytes")

    def infer(self, inferences: int, warmups: int, *, expected_s: float | None = None) -> Inference:
        """Execute the model on what was loaded.

        Args:
            inferences: how many are timed.
            warmups: how many before them are not.
            expected_s: how long one takes, if that is known.

        Raises:
            HiccupError: the answer is broken; load again before the next try.
            BoardError: the board refused.
        """
        if expected_s is None:
            patience_s = (inferences + warmups) * self.patience.inference_s
        else:
            patience_s = (inferences + warmups) * expected_s * 1.5
        answer = self._ask(f"infer {inferences} {warmups}", patience_s=patience_s + self.patience.answer_s)
        return self._inference(answer, inferences)

    def _inference(self, answer: _Answer, inferences: int) -> Inference:
        starts, dones = answer.of(messages.InferStart), answer.of(messages.InferDone)
        results = [message for _, message in answer.said if isinstance(message, messages.Results)]
        port = self.wire.port
        if len(starts) != 1 or len(dones) != 1 or starts[0][1] != messages.InferStart(inferences):
            raise GarbledError(
                f"{port}: the board does not say when {inferences} inferences began and ended", hint=_AGAIN
            )
        broken = [m.text for _, m in answer.said if isinstance(m, messages.Garbled)]
        if broken:
            raise GarbledError(f"{port}: a broken line of the board: {broken[0][:_SHOWN]}", hint=_BROKEN)
        if len(results) > 1:
            raise GarbledError(f"{port}: the board gives its results twice", hint=_AGAIN)
        began, ended = starts[0][0], dones[0][0]
        order = [type(message) for _, message in answer.said]
        inside = answer.said[order.index(messages.InferStart) + 1 : order.index(messages.InferDone)]
        laps = [(at, m.us) for at, m in inside if isinstance(m, messages.Lap)]
        if len(laps) not in (0, 2):
            raise GarbledError(
                f"{port}: the board gave {len(laps)} timestamps for a window, not two", hint=_AGAIN
            )
        return Inference(
            inferences=inferences,
            results=results[0].values if results else None,
            laps_us=tuple(us for _, us in laps),
            started_s=began,
            lap_s=laps[0][0] if laps else None,
            done_s=ended,
        )

    def _repeat(self, act: Callable[[], None]) -> None:
        for left in reversed(range(self.patience.tries)):
            try:
                return act()
            except HiccupError as error:
                if not left:
                    raise
                self._say("session", f"again, as {error.message}")
                self.resynchronise()
        return None

    # The line itself.

    def _ask(self, command: str, *, muted: bool = False, patience_s: float | None = None) -> _Answer:
        """Give a command and take its answer.

        Raises:
            HiccupError: the answer is broken.
            RefusedError: it holds ``e-[...]``.
        """
        assert len(command) < MAX_COMMAND
        # Bytes of an input are the data set, and belong into no log and no error.
        shown = "db ..." if muted and command != "db print" else command
        wanted_s = self.patience.answer_s if patience_s is None else patience_s
        if not muted:
            self._say("host", f"{command}%")
        self.wire.write(f"{command}%".encode())
        answer = _Answer()
        end = self._clock() + wanted_s
        while True:
            heard = self._hear(muted=muted)
            for position, (at, message) in enumerate(heard):
                if isinstance(message, messages.Ready):
                    self._late(heard[position + 1 :])
                    return self._checked(answer)
                if isinstance(message, messages.InitDone | messages.TimestampMode):
                    raise ResetError(
                        f"{self.wire.port}: the board started anew in the middle of '{shown}'", hint=_RESET
                    )
                # Debug output is no answer, and a board that prints it for ever has no end.
                if isinstance(message, messages.Text):
                    continue
                answer.said.append((at, message))
                if patience_s is None:
                    end = self._clock() + wanted_s
            if len(answer.said) > _MOST_MESSAGES:
                raise GarbledError(
                    f"{self.wire.port}: the board does not stop talking after '{shown}'", hint=_DEAD
                )
            if self._clock() > end:
                raise SilentError(
                    f"{self.wire.port}: no answer to '{shown}' within {wanted_s:.3g} s", hint=_AGAIN
                )

    def _ask_if_known(self, command: str, *, muted: bool = False) -> _Answer | None:
        """The answer to a command that not every firmware knows; None if it is refused each time."""
        for _ in range(self.patience.tries):
            try:
                return self._ask(command, muted=muted)
            except RefusedError:
                continue
        return None

    def _late(self, rest: list[tuple[float, Message]]) -> None:
        """What follows ``m-ready`` unasked is in the log; it means nothing, or a reset."""
        if any(isinstance(message, messages.InitDone | messages.TimestampMode) for _, message in rest):
            raise ResetError(f"{self.wire.port}: the board started anew", hint=_RESET)

    def _checked(self, answer: _Answer) -> _Answer:
        refused = [message for _, message in answer.said if isinstance(message, messages.DeviceError)]
        if refused:
            raise RefusedError(
                f"{self.wire.port}: the board answers: {refused[0].text[:_SHOWN]}",
                hint="is its firmware that of this task? 'tinybench boards --probe' shows what it says",
            )
        return answer

    def _drain(self) -> None:
        """Take what comes until nothing does."""
        quiet_s = min(_QUIET_S, self.patience.answer_s)
        end = self._clock() + max(self.patience.boot_s, quiet_s)
        quiet_at = self._clock() + quiet_s
        while self._clock() < min(end, quiet_at):
            before = self._heard
            self._hear()
            if self._heard != before:
                quiet_at = self._clock() + quiet_s
        self._lines.clear()

    def _hear(self, *, muted: bool = False) -> list[tuple[float, Message]]:
        """What has arrived, as messages with the time of arrival; what is no answer to ``db`` is logged."""
        data = self.wire.read()
        if not data:
            return []
        self._heard += len(data)
        self._unreadable += sum(byte not in _READABLE for byte in data)
        at, heard = self._clock(), []
        for line in self._lines.feed(data):
            message = messages.parse(line)
            if not (muted and isinstance(message, _MUTED)):
                self._say("dut", line)
            heard.append((at, message))
        return heard


_READABLE: Final = frozenset(b"\t\r\n\x1b") | frozenset(range(0x20, 0x7F))
_MUTED: Final = (messages.Ready, messages.LoadDone, messages.Buffer)
_DEAD: Final = "check power, cable and firmware; press the reset button; --baud if its speed is another"
_AGAIN: Final = "run the same command again: what was measured is kept"
_STUCK: Final = "press its reset button and run the same command again: what was measured is kept"
_BROKEN: Final = "does other code print in between? run the same command again: what was measured is kept"
_RESET: Final = "is its supply stable? run the same command again: what was measured is kept"
