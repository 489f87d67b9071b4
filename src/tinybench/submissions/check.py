"""Checking submissions: what is wrong with each, and with all of them together."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path

from tinybench import specs
from tinybench.datasets.store import status
from tinybench.errors import UsageError
from tinybench.progress import Progress, silent
from tinybench.submissions.changes import Changes, changed_since
from tinybench.submissions.glance import glance
from tinybench.submissions.keys import available
from tinybench.submissions.layout import Place
from tinybench.submissions.memory import Memory
from tinybench.submissions.pool import judge_many
from tinybench.submissions.report import Report
from tinybench.submissions.rules.change import check_change, check_sources
from tinybench.submissions.rules.duplicates import Index
from tinybench.submissions.scanning import SIMILAR, discover
from tinybench.submissions.submission import load
from tinybench.submissions.tiers import highest
from tinybench.submissions.trusted_keys import read_trusted_keys
from tinybench.submissions.verdict import Found, Verdict, in_order

__all__ = ["Changes", "changed_since", "check"]


def check(
    root: Path,
    places: Sequence[Place] | None = None,
    *,
    changes: Changes | None = None,
    trusted: Path | None = None,
    rerun: bool = True,
    cache: bool = True,
    jobs: int | None = None,
    progress: Progress = silent,
) -> Report:
    """Hold submissions to every rule.

    Args:
        root: the ``submissions`` folder.
        places: which submissions; all below ``root`` if not given.
        changes: only what they touch, and the change itself; in place of ``places``.
        trusted: file of the keys whose attestations count; None: nobody's do. For a pull request, that of
            the branch it is for, never the one that it brings.
        rerun: execute again what can be executed again.
        cache: use verdicts of earlier checks where nothing changed, and keep those of this one: see
            ``tinybench.submissions.memory``. Without it, everything is read.
        jobs: processes; as many as there are cores if not given.
        progress: called as ``("checking", submissions done, submissions)``, and with ``"executing again"``.

    Returns:
        What was found; nothing that lies in a submission raises.

    Raises:
        DataError: ``root`` is missing, or no folder.
        UsageError: there is no such submission.
        ContentError: the file of trusted keys is broken.
        WorkerError: a process that checks ended.
    """
    discovered = discover(root)
    everything = set(discovered.places)
    # Who asks for some does not ask what else lies there.
    found = [each for each in discovered.findings if places is None or each.rule is SIMILAR]
    if changes is not None:
        wanted = {place for place in changes.to_check if place in everything}
        found += check_change(changes)
    else:
        wanted = everything if places is None else set(places)
    for place in wanted - everything:
        raise UsageError(f"there is no submission {place.path} in {root}", hint="give the path of a folder")

    if trusted is not None:
        read_trusted_keys(trusted)  # before the long part
    memory = Memory(root, _circumstances(trusted, rerun)) if cache else None
    known: dict[Place, Verdict] = {}
    if memory is not None:
        known = {place: kept for place in everything if (kept := memory.recall(place)) is not None}
    made = _judge(root, _in_order(wanted - known.keys()), trusted, jobs, progress)
    if rerun:
        made = _execute_again(root, made, progress)
    if memory is not None and made:
        memory.keep(made)

    verdicts = known | made
    if changes is not None:
        found += check_sources(verdicts[place] for place in _in_order(wanted))
    organisations = {place.organisation for place in wanted}
    others = (
        glance(root, place, named=place.organisation in organisations)
        for place in everything - verdicts.keys()
    )
    index = Index([*verdicts.values(), *others])
    return Report.of(
        in_order(Found.of(finding) for finding in found),
        [verdicts[place].with_findings(index.check(verdicts[place])) for place in _in_order(wanted)],
        rerun=rerun,
    )


def _in_order(places: Collection[Place]) -> list[Place]:
    return sorted(places, key=lambda place: place.path)


def _judge(
    root: Path, places: Sequence[Place], trusted: Path | None, jobs: int | None, progress: Progress
) -> dict[Place, Verdict]:
    made: dict[Place, Verdict] = {}
    progress("checking", 0, len(places))
    with closing(judge_many(root, places, trusted, jobs)) as judged:
        for place, verdict in judged:
            made[place] = verdict
            progress("checking", len(made), len(places))
    return made


def _execute_again(root: Path, made: dict[Place, Verdict], progress: Progress) -> dict[Place, Verdict]:
    """The verdicts with what executing again showed; one after the other, as each run uses all cores."""
    todo = [place for place in _in_order(made) if any(not result.published for result in made[place].results)]
    done = dict(made)
    for number, place in enumerate(todo):
        progress("executing again", number, len(todo))
        done[place] = _with_reruns(root, place, made[place])
    return done


def _with_reruns(root: Path, place: Place, verdict: Verdict) -> Verdict:
    from tinybench.submissions.rerun import rerun

    submission = load(root / place.path, place).submission
    reruns = {entry.where: rerun(entry) for entry in submission.entries} if submission else {}
    reproduced = {where for where, again in reruns.items() if again.reproduced}
    outcomes = tuple(
        result.model_copy(update={"tier": highest((result.tier, "reproduced"))})
        if result.where in reproduced
        else result
        for result in verdict.results
    )
    findings = [finding for again in reruns.values() for finding in again.findings]
    return verdict.model_copy(update={"results": outcomes}).with_findings(findings)


def _circumstances(trusted: Path | None, rerun: bool) -> str:
    """What decides a verdict beside the submission and this program: keys, and what is on this machine."""
    parts = [hashlib.sha256(trusted.read_bytes()).hexdigest() if trusted is not None else "no keys"]
    parts.append("signatures verified" if available() else "signatures not verified")
    parts += (
        f"data of {task.id}"
        for task in specs.tasks().values()
        if status(task.dataset, task.splits.official.subset).state == "present"
    )
    if rerun:
        from tinybench.submissions.rerun import what_is_here

        parts += ("executed again", *what_is_here())
    return ", ".join(parts)
