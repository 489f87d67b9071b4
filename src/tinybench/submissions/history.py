"""Submissions as they were at a git revision."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tinybench.errors import UsageError
from tinybench.submissions.layout import Place


@contextmanager
def snapshot(root: Path, revision: str, places: Sequence[Place]) -> Iterator[Path]:
    """A folder with some submissions as they were then; one that was not there is left out.

    Args:
        root: the folder of all submissions, in a git checkout.
        revision: of that checkout.
        places: which submissions.

    Raises:
        UsageError: git is missing, or does not know the revision.
    """
    commit = resolve(root, revision)
    with tempfile.TemporaryDirectory(prefix="tinybench-") as scratch:
        for place in places:
            if not git(root, "ls-tree", "-z", commit, f"./{place.path}/"):
                continue
            archive = git(root, "archive", "--format=tar", commit, "--", f"./{place.path}")
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(scratch, filter="data")
        yield Path(scratch)


def resolve(root: Path, revision: str) -> str:
    """The full hash of the commit that a revision names; a name that looks like an option is none.

    Raises:
        UsageError: git is missing, or does not know the revision.
    """
    found = git(root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    return found.decode().strip()


def git(root: Path, *arguments: str) -> bytes:
    """What git prints, run in ``root``.

    Raises:
        UsageError: git is missing, or refuses; with its first line.
    """
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout
    except FileNotFoundError:
        raise UsageError("git is not installed", hint="install it, or give folders") from None
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", None) or b""
        reason = said.decode("utf-8", "replace").strip().partition("\n")[0] or str(error)
        raise UsageError(
            f"git {arguments[0]} failed in {root}: {reason}",
            hint="it needs a git checkout that has the revision: 'git fetch' gets new ones",
        ) from None
