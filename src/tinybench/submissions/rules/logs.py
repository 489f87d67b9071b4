"""The logs themselves: whole, of the right benchmark, and without a complaint that was passed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tinybench.mlperf_tiny.runs import RUN_KINDS, RunKind
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.recompute import BOARD, BOARD_LOG, Recomputed

EVIDENCE_UNREADABLE = rule(
    "TB320",
    "evidence-unreadable",
    "error",
    title="An evidence file is not what its name says",
    why="""Logs, traces, timestamps and tables are read strictly: a trace has a header and only possible
    samples, timestamps ascend, a log has the lines of its runner. A file that cannot be read proves
    nothing.""",
    hint="""Submit the file as the runner wrote it, under the name of what it is; see the list of
    evidence names.""",
)
LOG_TRUNCATED = rule(
    "TB321",
    "log-truncated",
    "error",
    title="A log ends before the run does",
    why="""A log of EnergyRunner ends with m-sequencer-stop and m-session-stop, one of MLCommons' runner
    with the line that names its file, one of tinybench with "session: end", and every window that the
    device begins (m-infer-start) it also ends (m-infer-done). Where the end is missing, nobody knows what
    the rest of the run would have shown: a crash, an error, or more windows.""",
    hint="Submit the whole log. If the run broke off, repeat it.",
)
SEVERAL_SESSIONS = rule(
    "TB322",
    "several-sessions",
    "note",
    title="A log holds several sessions",
    why="""Some runners append to a log. As in the checker of MLPerf Tiny, the last complete session
    counts; the others are not looked at.""",
    hint="Submit the log of one session.",
)
DEVICE_ERROR = rule(
    "TB323",
    "device-error",
    "warning",
    title="A log reports an error",
    why="""The device answers with e-[...] what it does not understand or cannot do; the interface board,
    the power analyser and the runner report theirs in the same way. A run with an error may still be
    right, but somebody has to look at what failed.""",
    hint="Find the cause, and repeat the run without the error; or explain it in the notes of the result.",
)
VERDICT_OVERRIDDEN = rule(
    "TB324",
    "verdict-overridden",
    "error",
    title="The runner itself called the run invalid",
    why="""EnergyRunner prints "The run must take at least 10 seconds and 10 iterations to be valid"
    below a window that does not, and MLCommons' runner prints ERROR in place of the median. MLPerf
    Tiny's own checker does not look for these lines.""",
    hint="Raise the number of inferences until the runner prints that the requirements have been met.",
)
WRONG_BENCHMARK = rule(
    "TB325",
    "wrong-benchmark",
    "error",
    title="A log is of another benchmark than the result",
    why="""The runner logs for which benchmark it was set up, and the device answers profile% with the
    one that is built in (m-model-[kws01]). Both have to be the task of the result: a log of a lighter
    task would be a better latency.""",
    hint="Submit the logs of this task, and have the firmware say the right th_profile() model.",
)

TOLD_TWICE = rule(
    "TB326",
    "told-twice",
    "error",
    title="Two files tell of the same run",
    why="""A run is told by the log of EEMBC's runner or by results.json of MLCommons' runner, and an
    accuracy by one of the two or by the table of tinybench run; log.txt of the runner board tells of all
    of its runs. Where more than one is there, only one of
    them would be read, and the others could say anything. results.txt, and log.txt beside results.json,
    repeat what is read, and are compared with it.""",
    hint="Keep the files of the runner that measured; those of another run belong to a result of their own.",
)

_BENCHMARKS: Final = {"sww": ("sww01", "strww01")}
_OF_RUNS: Final = tuple(f"{kind}-" for kind in RUN_KINDS)
_OF_VERDICT: Final = ("must take at least", "ERROR")


def check_logs(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    """Look at the evidence as files: readable, whole, of this task, without complaints."""
    for broken in facts.broken:
        reason = broken.reason.removeprefix(f"{broken.name}: ")
        yield EVIDENCE_UNREADABLE.found(f"{entry.where}: {broken.name}", reason)
    for kind, run in facts.runs.items():
        where = f"{entry.where}: {kind} run"
        open_windows = [window for window in getattr(run, "windows", ()) if not window.closed]
        if open_windows:
            index = open_windows[0].index
            yield LOG_TRUNCATED.found(
                where, f"window {index} begins, but the device never says that it is done"
            )
        elif not run.complete:
            yield LOG_TRUNCATED.found(where, "the end of the session is missing")
        if run.sessions > 1:
            yield SEVERAL_SESSIONS.found(where, f"{run.sessions} sessions; number {run.session} counts")
        complaints = [error for error in run.errors if not _is_verdict(error.text)]
        if complaints:
            first = complaints[0]
            yield DEVICE_ERROR.found(
                where, f"{len(complaints)} errors; the first, of {first.source}: {first.text}"
            )
        yield from _check_benchmark(entry, where, run.configuration.model, run.model)
    for kind in RUN_KINDS:
        yield from _check_verdict(entry, facts, kind)
    yield from _check_told_once(entry, facts)


def _check_benchmark(
    entry: Entry, where: str, configured: str | None, built_in: str | None
) -> Iterator[Finding]:
    task = entry.result.task.id
    expected = _BENCHMARKS.get(task, (f"{task}01",))
    for what, model in (
        ("the runner was set up for", configured),
        ("the device says that it runs", built_in),
    ):
        if model is not None and model not in expected:
            yield WRONG_BENCHMARK.found(where, f"{what} {model[:40]}, the result is of {task}")
            return


def _check_told_once(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    if entry.result.runner == BOARD:
        others = [name for name in sorted(entry.evidence) if name.startswith(_OF_RUNS)]
        if BOARD_LOG in entry.evidence and others:
            yield TOLD_TWICE.found(entry.where, f"{BOARD_LOG} and {others[0]} tell of the same run")
        return
    logs = {kind: f"{kind}-log.txt" for kind, run in facts.runs.items() if run.runner == "energyrunner"}
    for kind in RUN_KINDS:
        tell = [logs[kind]] if kind in logs else []
        tell += [f"{kind}-results.json"]
        if kind == "accuracy":
            log = entry.evidence.keys() & {"accuracy-log.txt"} and "accuracy" not in facts.said
            tell = ["outputs.csv", "scores.csv", *(["accuracy-log.txt"] if log else []), tell[-1]]
        elif kind == "energy" and kind not in logs:
            tell.append("energy-trace1-energy.bin")
        there = [name for name in tell if name in entry.evidence]
        if len(there) > 1:
            yield TOLD_TWICE.found(entry.where, f"{' and '.join(there)} tell of the {kind} run")


def _check_verdict(entry: Entry, facts: Recomputed, kind: RunKind) -> Iterator[Finding]:
    run, printed = facts.runs.get(kind), facts.printed.get(kind)
    said = [] if run is None else [error.text for error in run.errors]
    said += [] if printed is None else printed.errors
    verdicts = [text for text in said if _is_verdict(text)]
    if verdicts:
        yield VERDICT_OVERRIDDEN.found(
            f"{entry.where}: {kind} run", f"{len(verdicts)} times, such as: {verdicts[0][:120]}"
        )


def _is_verdict(text: str) -> bool:
    return any(words in text for words in _OF_VERDICT)
