"""Accuracy against the raw outputs of every sample, and against the quality target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tinybench import specs
from tinybench.results.schema import ACCURACY, Metric, is_decisive, meets
from tinybench.submissions.accuracy_sets import WINDOWS_PER_RECORDING
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.recompute import STREAMING_TASKS, Outputs, Recomputed
from tinybench.submissions.rules.agreement import agrees, beyond, within
from tinybench.submissions.system import Division

TOP1_TOLERANCE: Final = 1e-3
"""0.1 %, the last digit that the runners print: with outputs printed to three decimals, two may tie."""

OUTPUT_TOLERANCE: Final = 2e-3
"""Two units of the last printed decimal of an output."""

_MIN_TARGETS: Final = "kws 90 % top-1, vww 80 %, ic 85 %, ad an AUC of 0.85"

ACCURACY_MISSING = rule(
    "TB210",
    "accuracy-missing",
    "error",
    title="The result states no accuracy",
    why="""A latency without an accuracy says nothing: a smaller model is faster, and a broken one
    fastest. Every submission states the accuracy of the model that was measured, as executed by the same
    engine. Only of a simulated reference model is it known without data that it computes what it should: each
    run compares its outputs bit for bit (TB208).""",
    hint="Run the accuracy set on the device, and add the log of that run.",
)
ACCURACY_NOT_PUBLISHED = rule(
    "TB211",
    "accuracy-not-published",
    "note",
    title="The source publishes no accuracy for this result",
    why="""The result was published elsewhere without an accuracy, or with one that nobody can assign. It
    is shown without one, and nobody can say whether the quality target is met.""",
    hint="Nothing can be done here; the accuracy would have to be published at the source.",
)
TARGET_MISSED = rule(
    "TB212",
    "target-missed",
    "error",
    title="The accuracy is below the quality target",
    why=f"""In the closed division the model has to reach the target of the task: {_MIN_TARGETS}. It is
    judged on the whole official split (for results of MLPerf Tiny: on its whole accuracy set), by the
    accuracy that the result states.""",
    hint="Check preprocessing and quantisation on the device; or submit to the open division.",
)
TARGET_MISSED_OPEN = rule(
    "TB213",
    "target-missed-open",
    "note",
    title="The accuracy is below the quality target, in the open division",
    why=f"""The open division may trade accuracy for speed. The targets are {_MIN_TARGETS}; a result
    below its target is marked, so that nobody takes it for one that meets it.""",
    hint="Nothing has to be done.",
)
TARGET_MISSED_ELSEWHERE = rule(
    "TB216",
    "target-missed-elsewhere",
    "warning",
    title="The accuracy that was published in the closed division is below the quality target",
    why=f"""The targets are {_MIN_TARGETS}, and have been since the first round of MLPerf Tiny, whose closed
    division demands them. The source published the result nevertheless: it is kept as it is, and marked.""",
    hint="Nothing can be done here; read the figures beside it with its accuracy in mind.",
)
TARGET_NOT_DECIDED = rule(
    "TB214",
    "target-not-decided",
    "warning",
    title="Whether the quality target is met cannot be decided",
    why="""The targets are defined on the whole official split (for results of MLPerf Tiny: on its whole
    accuracy set), and for an accuracy that a device or a simulator computed. An accuracy of a part of
    it, of other data, or predicted from another device decides nothing.""",
    hint="Measure the accuracy on the whole official split, without a limit.",
)
TARGET_WRONG = rule(
    "TB215",
    "target-wrong",
    "error",
    title="The result states another quality target than the task",
    why=f"""The quality target is part of the task, not of the result: {_MIN_TARGETS}. A result repeats
    it so that it can be read alone.""",
    hint="Take the target of task.toml.",
)
ACCURACY_DIFFERS = rule(
    "TB220",
    "accuracy-differs",
    "error",
    title="The accuracy is not what the raw outputs say",
    why="""The accuracy is computed again from the output of every sample. Top-1 is the share of samples
    whose largest output (the first of equals) is that of their class; the AUC is the area under the ROC
    curve, of several classes the mean of each against the rest. From outputs.csv and scores.csv of
    tinybench it has to be the stated figure exactly. Runners print outputs with three decimals, so there
    top-1 may differ by 0.1 %; an AUC may be that of EEMBC's runner (a hundred thresholds, two decimals)
    or the exact one (three decimals).""",
    hint="State the accuracy of the run whose outputs are submitted.",
)
SAMPLES_INCOMPLETE = rule(
    "TB221",
    "samples-incomplete",
    "error",
    title="The accuracy is not of all samples",
    why="""An accuracy is one of every sample of the set: the official split of the task, or 1,000
    samples for kws and vww, 200 for ic and 248 recordings for ad in MLPerf Tiny (72 in its alternative
    list). With some left out, those that the model gets wrong can be chosen.""",
    hint="Run the whole set, and submit the outputs of all its samples.",
)
SAMPLE_REPEATED = rule(
    "TB222",
    "sample-repeated",
    "error",
    title="A sample was scored more than once",
    why="""Every sample counts once. A sample that is repeated stands for another one that is missing.""",
    hint="Run each sample of the set once.",
)
SAMPLE_UNKNOWN = rule(
    "TB223",
    "sample-unknown",
    "error",
    title="A sample is none of the set",
    why="""The samples have to be those of the set: the lists are in the folders of the tasks
    (official.txt of vww, mlperf-248.txt of ad, mlperf-200.txt of ic), and the names of MLPerf Tiny's
    keyword samples have a number and a word. A name that is in no list is of other data.""",
    hint="Run the published accuracy set, and do not rename its files.",
)
LABEL_DIFFERS = rule(
    "TB224",
    "label-differs",
    "error",
    title="The class of a sample is not that of the data set",
    why="""outputs.csv and scores.csv state the class of each sample. Where it is known (from the name of
    the sample, or from the lists in the folders of the tasks) it has to be that: else a wrong answer
    could be made a right one by changing the question.""",
    hint="Do not edit the labels; measure again.",
)
OUTPUT_BROKEN = rule(
    "TB225",
    "output-broken",
    "error",
    title="A sample has no readable output",
    why="""Every inference of an accuracy run is followed by m-results-[...] with one number for each
    class. A vector that is missing, cut, mixed with debug text or too short is no answer, and it is not
    counted as a wrong one either: there is no accuracy then.""",
    hint="Turn off debug output of the firmware, lower the speed of the serial line, and repeat the run.",
)
LABELS_UNKNOWN = rule(
    "TB226",
    "accuracy-not-recomputed",
    "note",
    title="The accuracy was not recomputed from raw outputs and known classes",
    why="""The outputs of the samples are there, but their classes are not known here, or only as
    outputs.csv itself states them. For image classification the classes are part of the data set: they
    are known where it is present, or where a y_labels.csv is given.""",
    hint="Nothing has to be done; a check that has the data set recomputes it.",
)
ACCURACY_WITHOUT_OUTPUTS = rule(
    "TB227",
    "accuracy-without-outputs",
    "warning",
    title="The accuracy has no raw outputs to recompute it from",
    why="""An accuracy is recomputed from the output of each sample. Without accuracy-log.txt
    (accuracy-results.json of MLCommons' runner; outputs.csv or scores.csv of tinybench run) it is a
    claim, whatever else there is.""",
    hint="Add the log of the accuracy run, or the table that tinybench run wrote.",
)
ACCURACY_PRINT_DIFFERS = rule(
    "TB228",
    "accuracy-print-differs",
    "error",
    title="The accuracy that the runner printed is not what the raw outputs say",
    why="""accuracy-results.txt holds the top-1 and the AUC that the runner computed. They have to agree
    with the outputs in the log as the stated accuracy does. If they do not, the files are of different
    runs, or one of them was edited.""",
    hint="Submit log and results.txt of the same accuracy run.",
)
OUTPUTS_CHANGE = rule(
    "TB229",
    "outputs-change-between-runs",
    "warning",
    title="The same sample has another output in another run",
    why="""The samples of the performance and energy windows are also in the accuracy run, and the logs
    have the output of each. Integer arithmetic has no noise, so an output that differs by more than two
    units of its last printed decimal (0.002) has a cause: another model, another build, or an input
    tensor that shares its memory with activations. The input is loaded once for each window; if the
    first inference overwrites it, all others work on what is left there, whatever the input was.
    Published runs have that: five different images get nearly the same output, and it is not the one
    that they get in the accuracy run.""",
    hint="""Use the same build for all runs, and keep the input tensor out of the memory that activations
    use, or copy the input there before each inference, within the timed window.""",
)


def check_quality(entry: Entry, division: Division) -> Iterator[Finding]:
    """Hold the stated accuracy to the quality target of the task."""
    result = entry.result
    task = specs.tasks().get(result.task.id)
    if task is None:
        return
    stated = result.metric(ACCURACY[task.metric])
    where = f"{entry.where}: metrics"
    if result.target != task.target:
        yield TARGET_WRONG.found(
            f"{entry.where}: target", f"states {result.target}, the target of {task.id} is {task.target}"
        )
    if stated is None and result.performance_only:
        return  # TB208 and TB204 say of which models and in which division that will do
    if stated is None:
        missing = ACCURACY_MISSING if result.source is None else ACCURACY_NOT_PUBLISHED
        yield missing.found(where, f"{ACCURACY[task.metric]} is not among the metrics")
        return
    decisive = is_decisive(result.data, result.source, stated)
    met = meets(task.target, stated) if decisive else None
    if met is None:
        samples = "a part of it" if result.data.limit is not None else f"split {result.data.split}"
        reason = "it is predicted" if decisive else f"it is of {samples}"
        yield TARGET_NOT_DECIDED.found(where, f"{_shown(stated)}: {reason}")
    elif not met:
        closed = TARGET_MISSED if result.source is None else TARGET_MISSED_ELSEWHERE
        missed = closed if division == "closed" else TARGET_MISSED_OPEN
        shown = beyond(float(stated.value), task.target, 4)
        yield missed.found(where, f"{stated.name} is {shown}, the target is {task.target}")


def check_accuracy(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    """Compare the accuracy of a result with its raw outputs, and the outputs with the set of samples."""
    outputs = facts.outputs
    if outputs is None:
        yield from _check_presence(entry, facts)
        return
    broken = list(_check_outputs(entry, outputs))
    yield from broken
    yield from _check_samples(entry, outputs)
    if facts.accuracy is None:
        if not broken:
            yield LABELS_UNKNOWN.found(f"{entry.where}: {outputs.file}", facts.accuracy_reason or "")
    else:
        if outputs.set is not None and not outputs.labels_known:
            yield LABELS_UNKNOWN.found(
                f"{entry.where}: {outputs.file}", "the classes are those that the table states itself"
            )
        yield from _check_stated(entry, facts, outputs)
        yield from _check_print(entry, facts)
    yield from _check_runs(entry, facts, outputs)


def _shown(metric: Metric) -> str:
    return f"{metric.name} is {metric.value:.4f}"


def _stated(entry: Entry) -> list[Metric]:
    return [m for m in entry.result.metrics if m.name in ACCURACY.values() and m.mode != "predicted"]


def _check_presence(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    result = entry.result
    broken = any(b.name.startswith(("accuracy-", "outputs.", "scores.")) for b in facts.broken)
    if result.task.id in STREAMING_TASKS or broken or result.source is not None or not entry.evidence:
        return
    if _stated(entry):
        yield ACCURACY_WITHOUT_OUTPUTS.found(entry.where, "no outputs of samples are among the evidence")


def _check_outputs(entry: Entry, outputs: Outputs) -> Iterator[Finding]:
    task = specs.tasks().get(entry.result.task.id)
    least = len(task.labels) if task is not None and task.metric == "top1" else 1
    bad = [s for s in outputs.samples if s.results is None or len(s.results) < least]
    if bad:
        sample = bad[0]
        reason = "none" if sample.results is None else f"{len(sample.results)} values instead of {least}"
        name = (sample.input_file or "one without a name")[:100]
        yield OUTPUT_BROKEN.found(
            f"{entry.where}: {outputs.file}",
            f"{len(bad)} of {len(outputs.samples)} samples, such as {name}: {reason}",
        )


def _check_samples(entry: Entry, outputs: Outputs) -> Iterator[Finding]:
    where = f"{entry.where}: {outputs.file}"
    counted = Counter(sample.input_file for sample in outputs.samples if sample.input_file is not None)
    recordings = outputs.style == "log" and entry.result.task.id == "ad"
    each = WINDOWS_PER_RECORDING if recordings else 1
    wanted, names = outputs.set, outputs.names
    if wanted is None and entry.result.data.limit is None and entry.result.source is None:
        yield SAMPLE_UNKNOWN.found(
            where, f"nothing here says which samples a table of the {entry.result.data.split} split holds"
        )
    known = dict.fromkeys(names) if wanted is None else {name: wanted.identity_of(name) for name in names}
    if wanted is not None:
        unknown = [name for name, identity in known.items() if identity is None]
        if unknown:
            yield SAMPLE_UNKNOWN.found(
                where, f"{len(unknown)} samples, such as {unknown[0][:100]}, are none of {wanted.title}"
            )
        wrong = [
            name
            for name, label in outputs.stated_labels.items()
            if wanted.label_of(name) not in (None, label)
        ]
        if wrong:
            name = wrong[0]
            yield LABEL_DIFFERS.found(
                where,
                f"{len(wrong)} samples, such as {name[:100]}: class {outputs.stated_labels[name]}, "
                f"the data set says {wanted.label_of(name)}",
            )
    aliases = Counter(identity for identity in known.values() if identity is not None)
    repeated = [name for name, count in counted.items() if count > each]
    repeated += [name for name, identity in known.items() if identity is not None and aliases[identity] > 1]
    if repeated:
        yield SAMPLE_REPEATED.found(where, f"{len(repeated)} samples, such as {repeated[0][:100]}")
    yield from _check_count(entry, outputs, where, len(names), counted, each)


def _check_count(
    entry: Entry, outputs: Outputs, where: str, samples: int, counted: Counter[str], each: int
) -> Iterator[Finding]:
    stated, wanted = entry.result.data.samples, outputs.set
    nameless = sum(sample.input_file is None for sample in outputs.samples)
    partial = [name for name, count in counted.items() if count < each]
    if nameless:
        yield SAMPLES_INCOMPLETE.found(where, f"nothing says of which sample {nameless} outputs are")
    elif wanted is not None and samples != wanted.samples and set(outputs.names) != wanted.alternative:
        yield SAMPLES_INCOMPLETE.found(where, f"{samples} samples; {wanted.title} has {wanted.samples}")
    elif stated is not None and stated != samples:
        yield SAMPLES_INCOMPLETE.found(where, f"{samples} samples, the result says {stated}")
    elif partial:
        yield SAMPLES_INCOMPLETE.found(
            where, f"{partial[0][:100]} has {counted[partial[0]]} windows instead of {each}"
        )


def _check_stated(entry: Entry, facts: Recomputed, outputs: Outputs) -> Iterator[Finding]:
    for metric in _stated(entry):
        difference = _difference(metric.name, float(metric.value), facts, exactly=outputs.style == "csv")
        if difference is not None:
            yield ACCURACY_DIFFERS.found(
                f"{entry.where}: metrics", f"{_shown(metric)}, the raw outputs say {difference}"
            )


def _check_print(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    printed = facts.printed.get("accuracy")
    if printed is None:
        return
    task = specs.tasks().get(entry.result.task.id)
    # What the runner prints as top-1 of anomaly detection is that of a single output, and means nothing.
    top1 = printed.top1 if task is None or task.metric == "top1" else None
    for name, figure in (("accuracy.top1", top1), ("accuracy.auc", printed.auc)):
        difference = None if figure is None else _difference(name, figure.value, facts, exactly=False)
        if figure is not None and difference is not None:
            yield ACCURACY_PRINT_DIFFERS.found(
                f"{entry.where}: accuracy-results.txt",
                f"prints {name} {figure.value:.4f}, the raw outputs say {difference}",
            )


def _difference(name: str, stated: float, facts: Recomputed, *, exactly: bool) -> str | None:
    """What the outputs say if it is not what is stated; None if it is, or nothing can be said."""
    found = facts.accuracy
    assert found is not None
    exact = found.top1 if name == "accuracy.top1" else found.auc
    if exact is None:
        return None
    if exactly:
        return None if stated == exact else repr(exact)
    if name == "accuracy.top1":
        return None if within(stated, exact, TOP1_TOLERANCE) else f"{exact:.4f}"
    eembc = found.auc_eembc
    if agrees(stated, exact, 1e-3) or (eembc is not None and agrees(stated, eembc, 1e-2)):
        return None
    return f"{exact:.4f} exactly" + ("" if eembc is None else f", {eembc:.4f} by EEMBC's rule")


def _check_runs(entry: Entry, facts: Recomputed, outputs: Outputs) -> Iterator[Finding]:
    """Compare the outputs of the timed windows with those of the accuracy run."""
    if facts.accuracy_run is None or entry.result.task.id == "ad":
        return  # int8 of tinybench run, or one number for many windows of a recording
    by_name = {sample.input_file: sample.results for sample in outputs.samples}
    runs = (("performance", facts.performance), ("energy", facts.energy_run))
    for kind, run in runs:
        for window in () if run is None else run.windows:
            other = by_name.get(window.input_file)
            if window.results is None or other is None:
                continue
            change = max((abs(a - b) for a, b in zip(window.results, other, strict=False)), default=0.0)
            if change > OUTPUT_TOLERANCE:
                yield OUTPUTS_CHANGE.found(
                    f"{entry.where}: {kind} run",
                    f"{window.input_file}: an output differs from that of the accuracy run by {change:.3f}",
                )
                return
