"""Interpreters in processes of their own.

``multiprocessing`` is not used: it imports the main module of the program once more, which breaks notebooks
and scripts without a guard. A worker is a plain ``python -m`` that lives as long as its pipe.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import TinybenchError, WorkerError

if TYPE_CHECKING:
    from tinybench.runners.classify import Interpreter

Answer = tuple[int, NDArray[np.int8]] | TinybenchError


def cores() -> int:
    """Processes worth having: the cores that this one may use, or 1 where Python cannot be started again."""
    return len(os.sched_getaffinity(0)) if sys.executable else 1


def run_parallel(
    interpreter: Interpreter, parts: Mapping[int, NDArray[np.int8]], processes: int
) -> Generator[tuple[int, NDArray[np.int8]]]:
    """Run every part on one of ``processes`` interpreters like the one given.

    No process outlives the generator, however it ends; close it to stop early.

    Yields:
        Key and outputs of each part, in the order in which they are done.

    Raises:
        WorkerError: a process ended.
        TinybenchError: what an interpreter raised.
    """
    todo, answers = deque(parts.items()), SimpleQueue[Answer]()
    workers: list[_Worker] = []
    with tempfile.TemporaryFile() as stderr:
        try:
            while len(workers) < min(processes, len(parts)):
                workers.append(_Worker(interpreter, todo, answers, stderr))
            for _ in range(len(parts)):
                answer = answers.get()
                if isinstance(answer, TinybenchError):
                    raise answer
                yield answer
        finally:
            todo.clear()
            for worker in workers:
                worker.stop()


class _Worker:
    """A process, and the thread that hands it part after part until there are none or one fails."""

    def __init__(
        self,
        interpreter: Interpreter,
        todo: deque[tuple[int, NDArray[np.int8]]],
        answers: SimpleQueue[Answer],
        stderr: IO[bytes],
    ) -> None:
        # What this process can import, the other can too, and (-P) nothing else that lies in its folder.
        path = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)  # noqa: PTH100
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tinybench.runners.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | {"PYTHONPATH": path},
        )
        self._stderr = stderr
        self._thread = Thread(target=self._feed, args=(interpreter, todo, answers), daemon=True)
        self._thread.start()

    def _feed(
        self,
        interpreter: Interpreter,
        todo: deque[tuple[int, NDArray[np.int8]]],
        answers: SimpleQueue[Answer],
    ) -> None:
        try:
            self._send((type(interpreter), interpreter.model))
            while todo:
                key, inputs = todo.popleft()
                self._send(inputs)
                answer = pickle.load(self._stdout)
                answers.put(answer if isinstance(answer, TinybenchError) else (key, answer))
        except IndexError:  # another worker took the last part
            return
        except (OSError, EOFError, pickle.UnpicklingError):
            answers.put(self._why_it_ended())

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None
        pickle.dump(message, self._process.stdin, pickle.HIGHEST_PROTOCOL)
        self._process.stdin.flush()

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _why_it_ended(self) -> WorkerError:
        code = self._process.wait()
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        self._stderr.seek(0)
        said = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        return WorkerError(
            f"a process that runs the interpreter ended ({how})" + (f": {said[-1]}" if said else ""),
            hint="run the same command again: it goes on where it stopped; if it happens again, report it",
        )

    def stop(self) -> None:
        """End the process, whatever it does, and wait until it and its thread are gone."""
        self._process.kill()
        self._thread.join()
        with suppress(OSError), self._process:  # what was not yet sent cannot be flushed any more
            pass
