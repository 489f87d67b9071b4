"""Work shared out among processes.

``multiprocessing`` is not used: it imports the main module of the program once more, which breaks notebooks
and scripts without a guard. A worker is a plain ``python -m`` that lives as long as its pipe: one that runs
out of memory does not take the program with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import IO, Final, Generic, Protocol, TypeVar

from tinybench.errors import TinybenchError, WorkerError

_ENDING_S: Final = 5
"""For a process that has closed its pipe, or whose input has ended."""

Part = TypeVar("Part")
Answer = TypeVar("Answer")
Given = TypeVar("Given", contravariant=True)
Made = TypeVar("Made", covariant=True)


class Trade(Protocol[Given, Made]):
    """What a worker is, and how it is talked to."""

    @property
    def module(self) -> str:
        """What ``python -m`` runs."""
        ...

    @property
    def arguments(self) -> Sequence[str]:
        """What it is started with."""
        ...

    def greet(self, stdin: IO[bytes]) -> None:
        """Tell a worker what it has to know before its first part."""
        ...

    def ask(self, part: Given, stdin: IO[bytes], stdout: IO[bytes]) -> Made:
        """Give it a part and wait for the answer.

        Raises:
            EOFError, OSError: there is none, or not one that can be read.
            TinybenchError: what the work itself ended in.
        """
        ...

    def ended(self, part: Given | None, how: str) -> WorkerError:
        """What is said of a process that ended with a part, or before it had one."""
        ...


def cores() -> int:
    """Processes worth having: the cores that this one may use, or 1 where Python cannot be started again."""
    return len(os.sched_getaffinity(0)) if sys.executable else 1


def share_out(trade: Trade[Part, Answer], parts: Iterable[Part], processes: int) -> Generator[Answer]:
    """Have every part done by one of so many processes.

    No process outlives the generator, however it ends; close it to stop early.

    Yields:
        The answers, in the order in which they are done.

    Raises:
        WorkerError: a process ended.
        TinybenchError: what the work of a part ended in.
    """
    todo, answers = deque(parts), SimpleQueue[Answer | TinybenchError]()
    count = len(todo)
    workers: list[_Worker[Part, Answer]] = []
    with tempfile.TemporaryFile() as stderr:
        try:
            while len(workers) < min(processes, count):
                workers.append(_Worker(trade, todo, answers, stderr))
            for _ in range(count):
                answer = answers.get()
                if isinstance(answer, TinybenchError):
                    raise answer
                yield answer
        finally:
            todo.clear()
            for worker in workers:
                worker.stop()


class _Worker(Generic[Part, Answer]):
    """A process, and the thread that hands it part after part until there are none or one fails."""

    def __init__(
        self,
        trade: Trade[Part, Answer],
        todo: deque[Part],
        answers: SimpleQueue[Answer | TinybenchError],
        stderr: IO[bytes],
    ) -> None:
        # What this process can import, the other can too, and (-P) nothing else that lies in its folder.
        path = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)  # noqa: PTH100
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", trade.module, *trade.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | {"PYTHONPATH": path},
        )
        self._stderr = stderr
        self._thread = Thread(target=self._feed, args=(trade, todo, answers), daemon=True)
        self._thread.start()

    def _feed(
        self, trade: Trade[Part, Answer], todo: deque[Part], answers: SimpleQueue[Answer | TinybenchError]
    ) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        part: Part | None = None
        try:
            trade.greet(stdin)
            while (part := _next(todo)) is not None:
                answers.put(trade.ask(part, stdin, stdout))
        except TinybenchError as error:
            answers.put(error)
        except (OSError, EOFError):
            with suppress(OSError):
                stdin.close()
            answers.put(trade.ended(part, self._how_it_ended()))

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:  # it talks nonsense, and goes on
            self._process.kill()
            code = self._process.wait()
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        self._stderr.seek(0)
        said = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        return f"({how})" + (f": {said[-1]}" if said else "")

    def stop(self) -> None:
        """End the process, whatever it does, and wait until it and its thread are gone."""
        self._process.kill()
        self._thread.join()
        with suppress(OSError), self._process:  # what was not yet sent cannot be flushed any more
            pass


def _next(todo: deque[Part]) -> Part | None:
    try:
        return todo.popleft()
    except IndexError:  # another worker took the last one
        return None
