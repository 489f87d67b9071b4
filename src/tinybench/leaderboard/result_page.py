"""``/results/<id>/``: everything about one result, at an address that never changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tinybench import specs
from tinybench.leaderboard import addresses, citation, facts, titles
from tinybench.leaderboard.board import MODES, Row
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.comparisons import Comparisons
from tinybench.leaderboard.facts import Fact
from tinybench.leaderboard.feed import newest_first
from tinybench.leaderboard.rounds import Retired
from tinybench.results.schema import ACCURACY, UNITS, Evidence, Unit
from tinybench.submissions.attestation import Check
from tinybench.submissions.layout import unpacked_name
from tinybench.submissions.signatures import Judged
from tinybench.submissions.tiers import MEANING, Tier

NEWEST: Final = 200
"""How many the page of newest results lists."""

_UNITS: Final[dict[Unit, str]] = {unit: unit for unit in UNITS.values()} | {"fraction": "", "1": ""}

_HOW: Final[dict[Tier, str]] = {
    "reproduced": "The run was executed again from the model, device profile, engine and inputs that the "
    "result names; every figure had to come out the same.",
    "evidence-checked": "Latency, and accuracy, energy and power where they are stated, were recomputed from "
    "the logs, traces and outputs below, and no rule found an error.",
    "published elsewhere": "Whoever published it reviewed it by rules of their own. There were no logs here "
    "from which all of it could be recomputed.",
    "claimed": "There is no evidence here from which all of it could be recomputed, and it could not be "
    "executed again.",
}


def write(context: Context) -> None:
    """A page for each result, for each that was retired, and the list of the newest."""
    comparisons = Comparisons(context.board)
    for row in context.board.rows:
        _write(context, row, comparisons)
    for retired in context.board.retired:
        _write_retired(context, retired)
    newest = newest_first(context.board)
    context.pages.add(
        addresses.RESULTS,
        "Results, newest first",
        "results",
        rows=newest[:NEWEST],
        total=len(newest),
        titles=titles,
        addresses=addresses,
    )


def _write(context: Context, row: Row, comparisons: Comparisons) -> None:
    result, address = row.result, addresses.result(row.id)
    heading = titles.result(row)
    context.pages.add(
        address,
        f"{heading}, {row.mode}",
        "result",
        description=f"{heading}: {titles.engine(row)}, by {row.organisation}. Figures are {row.mode}.",
        search=False,
        row=row,
        heading=heading,
        modes=[mode for mode in MODES if any(metric.mode == mode for metric in result.metrics)],
        labels=titles.METRICS,
        units=_UNITS,
        quality=quality(row),
        engine=titles.engine(row),
        published_in=titles.published_in(row),
        meaning=MEANING[row.tier],
        how=_HOW[row.tier],
        signatures=[signature(judged) for judged in row.attestations],
        evidence=evidence(row),
        citation=citation.text(row, context.url),
        bibtex=citation.bibtex(row, context.url),
        permanent=citation.url(row, context.url),
        comparisons=comparisons.of(row),
        measured=list(measured(row)),
        environment=list(environment(row)),
        organisation=addresses.organisation(row.place.organisation),
        round=addresses.round_(row.place.round),
        titles=titles,
        addresses=addresses,
    )
    context.pages.file(f"{address}result.json", row.document)
    for file in row.evidence:
        context.pages.copy(f"{address}evidence/{file.name}", file.path)


def _write_retired(context: Context, retired: Retired) -> None:
    context.pages.add(
        addresses.result(retired.id),
        f"Retired result {retired.id}",
        "retired",
        search=False,
        retired=retired,
        successor=addresses.result(retired.successor) if retired.successor else None,
    )


def measured(row: Row) -> Iterator[Fact]:
    """What was run, on what, with what."""
    result, device = row.result, row.device
    version = f", version {result.task.version}" if result.task.version else ""
    yield Fact("Task", titles.task(row.task) + version, addresses.task(row.task))
    yield Fact("System", row.title, addresses.system(row.place))
    if device is None:
        yield Fact("Device", "none: computed on a host")
    else:
        yield Fact("Device", device.board or device.id, addresses.device(device.id))
        yield Fact("Chip", device.chip)
        yield Fact("Core", device.core)
        yield Fact("Clock", facts.clock(device.clock_hz) or "not stated")
        yield Fact("Supply", facts.supply(device.supply_v))
        yield Fact("Accelerator", facts.of_accelerator(device.accelerator))
    yield from facts.of_engine(result.engine)
    yield Fact("Runner", result.runner)
    yield from facts.of_instrument(result.instrument)
    yield Fact("Model", result.model.name, addresses.model(result.model.name, result.model.sha256))
    yield Fact("SHA-256 of the model", result.model.sha256, code=True)
    yield Fact("Multiply-accumulates", facts.whole(result.model.macs))
    yield Fact("Parameters", facts.whole(result.model.parameters))
    yield Fact("Data set", result.data.dataset)
    yield Fact("Split", result.data.split)
    yield Fact("Samples", facts.whole(result.data.samples) or "not stated")
    yield Fact("Limited to", facts.whole(result.data.limit))
    yield Fact("SHA-256 of the data", result.data.dataset_sha256, code=True)
    yield Fact("Result file made", f"{result.created:%Y-%m-%d %H:%M:%S} UTC")
    commit = f", commit {result.tool.commit}" if result.tool.commit else ""
    yield Fact("Written by", f"tinybench {result.tool.version}{commit}")
    yield Fact("Licence of the data", row.system.licence)


def environment(row: Row) -> Iterator[Fact]:
    """Where it was measured."""
    found = row.result.environment
    if found is not None:
        yield Fact("Python", found.python)
        yield Fact("Operating system", found.os)
        yield Fact("Machine", found.machine)
        for name, version in sorted(found.packages.items()):
            yield Fact(name, version)


@dataclass(frozen=True)
class File:
    """An evidence file: what the result says of it, and what it is called here."""

    stated: Evidence
    stored: str | None
    """None: not in the submission."""


def evidence(row: Row) -> list[File]:
    """The evidence that a result lists, in its order."""
    stored = {unpacked_name(file.name): file.name for file in row.evidence}
    return [File(stated, stored.get(unpacked_name(stated.name))) for stated in row.result.evidence]


def quality(row: Row) -> str:
    """Whether the quality target is met; where that is not decided, why."""
    target = row.result.target
    if target is None:
        return "tinybench defines no quality target for this task."
    spec = specs.tasks().get(row.task)
    metric = ACCURACY[spec.metric] if spec else "accuracy.top1"
    stated = f"Quality target: {titles.target(metric, target)}"
    if row.result.target_met is not None:
        return f"{stated}. It is {'met' if row.result.target_met else 'missed'}."
    return f"{stated}. Not decided: {'; '.join(_undecided(row)) or 'the result does not say why'}."


def _undecided(row: Row) -> Iterator[str]:
    accuracy, data = row.accuracy, row.result.data
    if accuracy is None:
        yield "there is no accuracy"
        return
    if accuracy.mode == "predicted":
        yield "the accuracy is predicted, and a device may score differently"
    if not row.decisive:
        samples = f"{data.samples:,} samples" if data.samples else "the samples"
        yield f"the accuracy is that of {samples} of '{data.split}', not of a whole official split"


def signature(judged: Judged) -> str:
    """Who signed the submission, when, and what that says."""
    assert judged.key is not None
    assert judged.statement is not None
    predicate = judged.statement.predicate
    said = (
        f"checked it with tinybench {predicate.tinybench}"
        if isinstance(predicate, Check)
        else "vouches for the files of the submission"
    )
    return f"{judged.key.name} ({judged.key.role}), {predicate.signed_at:%Y-%m-%d}: {said}"
