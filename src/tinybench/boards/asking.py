"""Asking a port who is behind it: the handshake of the serial protocol, and no more."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from tinybench.boards.desk import Desk
from tinybench.boards.dut import Identity, Patience
from tinybench.boards.own_firmware import named_device
from tinybench.errors import BoardError, TinybenchError
from tinybench.runners.base import Bench

HURRIED: Final = Patience(boot_s=3.0, answer_s=0.7, tries=2)
"""A port with nobody behind it is asked at each usual speed: that must not take minutes."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    identity: Identity | None
    """What the board says of itself; None: no board answered."""
    device: str | None
    """Id of the device profile that the firmware names, if it does."""
    baud: int | None
    """The speed at which it answered."""
    timestamps: Literal["printed", "pin"] | None
    """How windows are marked; None if it does not say."""
    problem: str | None
    """Why no board answered."""
    fix: str | None
    """What to do about that."""


def ask(port: str, *, patience: Patience = HURRIED) -> Answer:
    """Open a port, ask who is there, and close it. Whatever goes wrong is part of the answer.

    Args:
        port: what pyserial opens.
        patience: how long to wait.
    """
    try:
        with Desk.opened(Bench(port=port, patience=patience), None, lambda source, text: None) as desk:
            timestamps = None
            with suppress(BoardError):  # firmware that measures no time may not know the command
                timestamps = desk.dut.timestamps()
            return Answer(
                identity=desk.identity,
                device=named_device(desk.identity.name),
                baud=desk.dut.wire.baud,
                timestamps=timestamps,
                problem=None,
                fix=None,
            )
    except TinybenchError as error:
        return Answer(
            identity=None,
            device=None,
            baud=None,
            timestamps=None,
            problem=error.message.removeprefix(f"{port}: "),
            fix=error.hint,
        )
