"""Judging many submissions on all cores.

As for interpreters (``tinybench.runners.pool``), a worker is a plain ``python -m`` that lives as long as its
pipe: a submission that makes one run out of memory does not take the check with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO, Final

from pydantic import ValidationError

from tinybench.errors import WorkerError
from tinybench.runners.pool import cores
from tinybench.submissions.judging import judge
from tinybench.submissions.layout import Place
from tinybench.submissions.trusted_keys import TrustedKeys, read_trusted_keys
from tinybench.submissions.verdict import Verdict

_WORTH: Final = 20
"""Submissions from which on other processes help. One takes half a second to start; a submission takes 2 ms
without evidence, and 200 ms with that of four results."""

Answer = tuple[Place, Verdict] | WorkerError


def judge_many(
    root: Path, places: Sequence[Place], trusted: Path | None, jobs: int | None = None
) -> Generator[tuple[Place, Verdict]]:
    """Judge submissions, in no order; close the generator to stop early.

    Args:
        root: the ``submissions`` folder.
        places: which ones.
        trusted: file of the keys whose attestations count; None: nobody's do.
        jobs: processes; as many as there are cores if not given.

    Raises:
        WorkerError: a process ended; it names the submission.
        ContentError: the file of trusted keys is broken.
    """
    keys = TrustedKeys() if trusted is None else read_trusted_keys(trusted)
    wanted = min(jobs or cores(), len(places))
    if wanted < 2 or (jobs is None and len(places) < _WORTH):
        for place in places:
            yield place, judge(root, place, keys)
        return
    todo, answers = deque(places), SimpleQueue[Answer]()
    workers: list[_Worker] = []
    with tempfile.TemporaryFile() as stderr:
        try:
            while len(workers) < wanted:
                workers.append(_Worker(root, trusted, todo, answers, stderr))
            for _ in places:
                answer = answers.get()
                if isinstance(answer, WorkerError):
                    raise answer
                yield answer
        finally:
            todo.clear()
            for worker in workers:
                worker.stop()


class _Worker:
    """A process, and the thread that hands it one submission after the other."""

    def __init__(
        self,
        root: Path,
        trusted: Path | None,
        todo: deque[Place],
        answers: SimpleQueue[Answer],
        stderr: IO[bytes],
    ) -> None:
        # What this process can import, the other can too, and (-P) nothing else that lies in its folder.
        path = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)  # noqa: PTH100
        arguments = [str(root.absolute()), "" if trusted is None else str(trusted.absolute())]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tinybench.submissions.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | {"PYTHONPATH": path},
        )
        self._stderr = stderr
        self._thread = Thread(target=self._feed, args=(todo, answers), daemon=True)
        self._thread.start()

    def _feed(self, todo: deque[Place], answers: SimpleQueue[Answer]) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        while True:
            try:
                place = todo.popleft()
            except IndexError:
                return
            try:
                self._process.stdin.write(f"{place.path}\n".encode())
                self._process.stdin.flush()
                line = self._process.stdout.readline()
            except OSError:
                line = b""
            try:
                answers.put((place, Verdict.model_validate_json(line)))
            except ValidationError:
                if line:  # it did not end, but printed something else
                    self._process.kill()
                answers.put(self._why_it_ended(place))
                return

    def _why_it_ended(self, place: Place) -> WorkerError:
        code = self._process.wait()
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        self._stderr.seek(0)
        said = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        return WorkerError(
            f"the process that checked {place.path} ended ({how})" + (f": {said[-1]}" if said else ""),
            hint="check this submission alone; if that fails too, report it",
        )

    def stop(self) -> None:
        """End the process, whatever it does, and wait until it and its thread are gone."""
        self._process.kill()
        self._thread.join()
        with suppress(OSError), self._process:  # what was not yet sent cannot be flushed any more
            pass
