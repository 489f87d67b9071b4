"""Interpreters in processes of their own."""

from __future__ import annotations

import pickle
from collections.abc import Generator, Mapping
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import TinybenchError, WorkerError
from tinybench.processes import share_out

if TYPE_CHECKING:
    from tinybench.runners.classify import Interpreter

Inputs = tuple[int, NDArray[np.int8]]
"""Key, and the inputs or outputs that belong to it."""


def run_parallel(
    interpreter: Interpreter, parts: Mapping[int, NDArray[np.int8]], processes: int
) -> Generator[Inputs]:
    """Run every part on one of ``processes`` interpreters like the one given; see ``share_out``.

    Yields:
        Key and outputs of each part, in the order in which they are done.

    Raises:
        WorkerError: a process ended.
        TinybenchError: what an interpreter raised.
    """
    return share_out(_Interpreting(interpreter), parts.items(), processes)


class _Interpreting:
    module = "tinybench.runners.worker"
    arguments = ()

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter

    def greet(self, stdin: IO[bytes]) -> None:
        _send((type(self._interpreter), self._interpreter.model), stdin)

    def ask(self, part: Inputs, stdin: IO[bytes], stdout: IO[bytes]) -> Inputs:
        key, inputs = part
        _send(inputs, stdin)
        try:
            answer = pickle.load(stdout)
        except (pickle.UnpicklingError, IndexError, AttributeError) as error:  # as pickle documents
            raise EOFError from error
        if isinstance(answer, TinybenchError):
            raise answer
        return key, answer

    def ended(self, part: Inputs | None, how: str) -> WorkerError:
        return WorkerError(
            f"a process that runs the interpreter ended {how}",
            hint="run the same command again: it goes on where it stopped; if it happens again, report it",
        )


def _send(message: object, stdin: IO[bytes]) -> None:
    pickle.dump(message, stdin, pickle.HIGHEST_PROTOCOL)
    stdin.flush()
