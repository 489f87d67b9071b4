"""How checks are made: one after the other, each with a verdict of its own."""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from tinybench.errors import TinybenchError
from tinybench.plugins import Plugins

S = TypeVar("S")

MAX_LINE: Final = 120
"""Longest line that says what a plug-in is: listings show it beside the name."""
_NAME: Final = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")


class NotMadeError(Exception):
    """A check that cannot be made, because of what another one found or was not given."""


@dataclass(frozen=True)
class Outcome:
    """What one check found."""

    check: str
    verdict: Literal["passed", "failed", "not made"]
    said: str = ""
    """What is wrong, or why it was not made."""


@dataclass
class Seen:
    """What somebody's code did beside what it returned."""

    printed: str = ""
    left: list[str] = field(default_factory=list)
    """Files that are new in the working folder."""


def outcomes(checks: Sequence[Callable[[S], None]], subject: S) -> Iterator[Outcome]:
    """Make the checks in turn; whatever one of them raises is its verdict alone.

    The first one is what the others build on: if it fails, they are not made.
    """
    first, sound = checks[0], True
    for check in checks:
        name = check.__name__.replace("_", "-")
        if not sound:
            yield Outcome(name, "not made", f"{first.__name__.replace('_', '-')} comes first")
            continue
        try:
            check(subject)
        except NotMadeError as reason:
            yield Outcome(name, "not made", str(reason))
        except AssertionError as problem:
            sound = check is not first
            yield Outcome(name, "failed", str(problem))
        except Exception as error:
            sound = check is not first
            yield Outcome(name, "failed", described(error))
        else:
            yield Outcome(name, "passed")


def demand(checks: Sequence[Callable[[S], None]], subject: S) -> None:
    """Make all checks.

    Raises:
        AssertionError: some failed.
    """
    failed = [outcome for outcome in outcomes(checks, subject) if outcome.verdict == "failed"]
    if failed:
        raise AssertionError("\n".join(f"{outcome.check}: {outcome.said}" for outcome in failed))


def require(holds: bool, otherwise: str) -> None:
    """Raise an ``AssertionError`` that says what is wrong, unless it holds."""
    if not holds:
        raise AssertionError(otherwise)


def described(error: BaseException) -> str:
    """An error in one line, with the hint of one of ours."""
    said = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, TinybenchError):
        return f"{said} (hint: {error.hint})" if error.hint else said
    return f"{type(error).__name__}: {said}"


def require_parts(plugins: Plugins[Any], found: object) -> None:
    """It has all that the protocol has."""
    lacking = [part for part in plugins.parts if not hasattr(found, part)]
    require(not lacking, f"it has no {' and no '.join(lacking)}")


def require_name(found: Any) -> None:
    """Its name can be typed, and be part of the name of a file."""
    name = found.name
    require(
        isinstance(name, str) and _NAME.fullmatch(name) is not None and len(name) <= 40,
        f"the name {name!r} is not lower-case letters and digits with single '-', '_' or '.' between",
    )


def require_summary(found: Any) -> None:
    """Its summary is one line for people."""
    summary = found.summary
    good = isinstance(summary, str) and summary.isprintable() and 0 < len(summary.strip()) <= MAX_LINE
    require(good, f"the summary is not one line of at most {MAX_LINE} characters: {summary!r}")


def require_interface(plugins: Plugins[Any], found: object) -> None:
    """It states the interface that is spoken here."""
    unfit = plugins.unfit(getattr(found, "interface", None))
    require(unfit is None, f"it {unfit}")


@contextlib.contextmanager
def observed() -> Iterator[Seen]:
    """Run code in an empty working folder, and see what it prints and leaves there.

    What native code and other processes write counts, too.
    """
    seen, before = Seen(), Path.cwd()
    texts = io.StringIO()
    with tempfile.TemporaryFile() as raw, tempfile.TemporaryDirectory() as folder:
        kept = {number: os.dup(number) for number in (1, 2)}
        os.chdir(folder)
        try:
            for number in kept:
                os.dup2(raw.fileno(), number)
            with contextlib.redirect_stdout(texts), contextlib.redirect_stderr(texts):
                yield seen
        finally:
            os.chdir(before)
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)
            raw.seek(0)
            seen.printed = texts.getvalue() + raw.read().decode("utf-8", "replace")
            seen.left = sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


def require_quiet(seen: Sequence[Seen]) -> None:
    """Nothing was printed: the library never prints."""
    printed = [line for one in seen for line in one.printed.splitlines() if line.strip()]
    require(not printed, f"it printed {len(printed)} lines, the first of them {printed[:1]}")


def require_tidy(seen: Sequence[Seen]) -> None:
    """Nothing was left in the working folder, which is the user's."""
    left = sorted({name for one in seen for name in one.left})
    require(not left, f"it left files in the working folder: {', '.join(left[:5])}")


def require_quick(call: Callable[[], object], what: str, quick_s: float) -> None:
    """A call ends soon, whatever it says."""
    began = time.monotonic()
    with contextlib.suppress(Exception):
        call()
    took_s = time.monotonic() - began
    require(took_s <= quick_s, f"{what} took {took_s:.1f} s; it is called before anything is shown")
