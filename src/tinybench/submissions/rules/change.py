"""TB15x: what a pull request does to the repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tinybench.submissions.changes import Changes
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.scanning import shown
from tinybench.submissions.verdict import Verdict

REMOVED: Final = rule(
    "TB150",
    "submission-removed",
    "error",
    title="The change removes a submission",
    why="""A submission that was accepted may have been cited. It is corrected by a new one or marked by the
    maintainers, and does not vanish in a pull request that adds something else.""",
    hint="Restore it; to withdraw a result, open the issue form 'disputed result'.",
)
ALTERED: Final = rule(
    "TB151",
    "submission-altered",
    "warning",
    title="The change alters a submission that was there",
    why="""Whoever accepted a submission accepted its files. A change to one of them needs the same care as
    a new submission, and somebody has to see that it comes from the organisation that submitted.""",
    hint="Say in the pull request what was wrong, and who you are.",
)
SEVERAL: Final = rule(
    "TB152",
    "several-organisations",
    "error",
    title="The change touches submissions of more than one organisation",
    why="""A pull request is of one organisation, which answers for it. Whoever adds a result and changes
    one of somebody else on the way must do that in two steps that are judged apart.""",
    hint="Open one pull request for each organisation.",
)
OUTSIDE: Final = rule(
    "TB153",
    "changes-outside",
    "error",
    title="The change touches what is in no submission",
    why="""Submissions are data, which automation can judge; code, tasks, devices, workflows and the keys in
    submissions/trusted-keys.toml are judged by people. A pull request that changes both could change the
    rules that it is judged by, and one that only changes the keys has nothing that automation can pass.""",
    hint="Open a pull request of its own for what is not a submission.",
)
NOT_A_FILE: Final = rule(
    "TB154",
    "no-plain-file",
    "error",
    title="The change adds something that is no plain file",
    why="""Git also keeps symbolic links, files that may be executed, and submodules, which are empty
    folders until somebody fetches what they point to. A submission is plain files (mode 100644).""",
    hint="Remove it, or add its content as a plain file ('git update-index --chmod=-x').",
)

ELSEWHERE: Final = rule(
    "TB155",
    "published-by-whom",
    "error",
    title="The change adds or alters figures that are said to be published elsewhere",
    why="""Figures that somebody else published are shown with that source's name, and what is wrong in them
    is marked, not refused. Nothing in a folder proves that the source says so: who writes `source` into a
    result of his own would borrow that name. The maintainers import such figures from the source
    themselves; in a change by anybody else they do not pass.""",
    hint="Ask the maintainers to import it ('tinybench import'), or submit what you measured.",
)

_PLAIN: Final = ("100644", "000000")
_KINDS: Final = {"120000": "a symbolic link", "160000": "a submodule", "100755": "executable"}
_SHOWN: Final = 20


def check_sources(verdicts: Iterable[Verdict]) -> Iterator[Finding]:
    """Whether what a change adds or alters borrows the name of a source."""
    for verdict in verdicts:
        published = sum(outcome.published for outcome in verdict.results)
        if published:
            yield ELSEWHERE.found(
                verdict.place, f"{published} of {len(verdict.results)} results name a source"
            )


def check_change(changes: Changes) -> Iterator[Finding]:
    """What a change does beside what is in the submissions that it adds."""
    for place, state in changes.submissions.items():
        if state == "removed":
            yield REMOVED.found(place.path, "is not there any more")
        elif state == "altered":
            yield ALTERED.found(place.path, "was there before")
    organisations = sorted({place.organisation for place in changes.submissions})
    if len(organisations) > 1:
        yield SEVERAL.found(".", f"touches {', '.join(organisations[:_SHOWN])}")
    # A change of code alone is no matter of submissions; one of the keys whose signatures count is.
    elsewhere = changes.outside if changes.submissions else changes.beside
    for path in elsewhere[:_SHOWN]:
        yield OUTSIDE.found(shown(path), "is in no submission")
    if len(elsewhere) > _SHOWN:
        yield OUTSIDE.found(".", f"and {len(elsewhere) - _SHOWN} more files")
    outside = set(changes.outside)
    for change in changes.files:
        if change.path not in outside and change.mode not in _PLAIN:
            kind = _KINDS.get(change.mode, "something else")
            yield NOT_A_FILE.found(shown(change.path), f"is {kind} (mode {change.mode})")
