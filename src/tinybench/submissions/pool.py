"""Judging many submissions on all cores."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from tinybench.errors import WorkerError
from tinybench.processes import Trade, cores, share_out
from tinybench.submissions.judging import judge
from tinybench.submissions.layout import Place
from tinybench.submissions.trusted_keys import TrustedKeys, read_trusted_keys
from tinybench.submissions.verdict import Verdict

_WORTH: Final = 20
"""Submissions from which on other processes help. One takes half a second to start; a submission takes 2 ms
without evidence, and 200 ms with that of four results."""


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
    judging: Trade[Place, tuple[Place, Verdict]] = _Judging(root, trusted)
    yield from share_out(judging, places, wanted)


class _Judging:
    module = "tinybench.submissions.worker"

    def __init__(self, root: Path, trusted: Path | None) -> None:
        self.arguments = (str(root.absolute()), "" if trusted is None else str(trusted.absolute()))

    def greet(self, stdin: IO[bytes]) -> None:
        """The arguments say it all."""

    def ask(self, part: Place, stdin: IO[bytes], stdout: IO[bytes]) -> tuple[Place, Verdict]:
        stdin.write(f"{part.path}\n".encode())
        stdin.flush()
        try:
            return part, Verdict.model_validate_json(stdout.readline())
        except ValidationError as error:
            raise EOFError from error

    def ended(self, part: Place | None, how: str) -> WorkerError:
        subject = "submissions" if part is None else part.path
        return WorkerError(
            f"the process that checked {subject} ended {how}",
            hint="check this submission alone; if that fails too, report it",
        )
