"""What the runner ``board`` leaves behind: its log, its traces, and what the result says of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from tinybench import specs
from tinybench.boards.energy_file import FILE, PHASES, RecordedPhase, trace_name
from tinybench.boards.own_firmware import named_device, told_by
from tinybench.boards.replay import Replay
from tinybench.meters.phases import BASELINE_S
from tinybench.mlperf_tiny.runs import RunKind, Sample
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.recompute import BOARD_LOG, Outputs, Recomputed
from tinybench.submissions.rules.windows import MIN_SECONDS

OUTPUTS_NOT_IN_LOG: Final = rule(
    "TB232",
    "outputs-not-in-log",
    "error",
    title="The table of outputs is not what the board said",
    why="""outputs.csv has the numbers of m-results-[...] for each sample, scores.csv the mean over the
    windows of each recording, both in the order in which the board was asked. Every sample of the log has to
    be in the table with the same numbers, and none beside: the accuracy is computed from the table.""",
    hint="Submit log.txt and the table of the same run, as tinybench wrote them.",
)
OTHER_SUBJECT: Final = rule(
    "TB340",
    "log-of-another-run",
    "error",
    title="The log of the board is about something else than the result",
    why="""At its beginning log.txt names the task, the SHA-256 of the model, the device, the split and the
    data set; and firmware of tinybench tells the device and the model that it was built for. All of it has
    to be what the result states.""",
    hint="Submit the log of the run that the result is of.",
)
EMULATED: Final = rule(
    "TB341",
    "emulated-board",
    "error",
    title="The board is emulated, and its figures are called measured",
    why="""An emulator counts instructions; its microseconds are those of no device, and it draws no power.
    Such a run shows that firmware, protocol and runner work, and nothing else. It is recognised by its
    device profile, or by what its firmware says of itself.""",
    hint="Measure on the physical board; simulated figures come from --runner tflm-sim.",
)
NO_SERIAL_PORT: Final = rule(
    "TB342",
    "no-serial-port",
    "warning",
    title="The board was asked over something that is no serial port",
    why="""The log names the port. A pseudo-terminal or a network address may lead to a board on another
    machine, and just as well to a program that plays one: nothing in the log could tell them apart.""",
    hint="Say in README.md how the board was connected.",
)
MEASURED_AGAIN: Final = rule(
    "TB343",
    "window-measured-again",
    "warning",
    title="A whole window was given up and measured again",
    why=f"""The runner measures a window again if it was shorter than {MIN_SECONDS:g} s, or if the board, its
    line or the power analyser failed; the log says so. A window of at least {MIN_SECONDS:g} s that was given
    up is one among which somebody could have chosen.""",
    hint="Explain it in README.md, or measure anew with --fresh.",
)
NOT_LOADED: Final = rule(
    "TB344",
    "input-not-loaded",
    "error",
    title="The log does not show that each input was loaded before it was classified",
    why="""The input bytes are not in the log, as they are the data set; their SHA-256 is. Each window and
    each inference of the accuracy run has to follow such a load and the board's m-load-done. A sample has
    the same bytes in each run, and the windows of a run have different ones.""",
    hint="Submit the whole log, as tinybench wrote it.",
)
ENERGY_FILE_DIFFERS: Final = rule(
    "TB413",
    "energy-file-differs",
    "error",
    title="energy.json is not what log and traces say",
    why="""energy.json lists each window of the energy run: input and inferences, which have to be those of
    the log, its trace, its bounds, and the mean power of the idle board in the first 0.5 s of the trace;
    phases.csv the energy of each part of it. All of it is computed again. A window begins at least 0.5 s
    after its trace.""",
    hint="Submit log.txt, energy.json and all trace-<k>.bin of the same run, as tinybench wrote them.",
)
ABOVE_BASELINE_DIFFERS: Final = rule(
    "TB414",
    "above-baseline-differs",
    "error",
    title="The energy above the idle power is not what the traces say",
    why="""energy.above_baseline is, for each window, its energy less the power of the idle board (the mean
    of the first 0.5 s of the trace) times its length, divided by its inferences; the median over the
    windows. It stands beside energy.per_inference, which is all that the board took, and never in its
    place.""",
    hint="State what tinybench computed, or leave the figure out.",
)
INSTRUMENT_DIFFERS: Final = rule(
    "TB415",
    "instrument-differs",
    "error",
    title="The result names another power analyser than energy.json",
    why="""Range, rate, voltage and calibration of the analyser decide how far an energy may be off. A result
    of the runner board that states an energy names the instrument as the driver read it, field by field.""",
    hint="Submit the result as tinybench wrote it.",
)
HOST_CLOCK: Final = rule(
    "TB416",
    "gated-by-the-host",
    "note",
    title="The energy windows are bounded by the host's clock",
    why="""Where the power analyser does not see the board's pin, a window begins when the board's timestamp
    arrives at the host. That is a few milliseconds late, by as much as the serial line and USB take: of a
    window of 10 s, about 0.1 % of the energy.""",
    hint="Wire the timestamp pin to an input of the analyser.",
)

_SERIAL_PORT: Final = re.compile(
    r"/dev/(?:tty[\w.+-]+|cu\.[\w.+-]+|serial/by-(?:id|path)/[\w.:+-]+)|(?:\\\\\.\\)?COM[0-9]{1,3}"
)
_CLOSE: Final = 1e-9
"""Relative; sums in another order differ by less."""


def check_board(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    """Hold a result of the runner ``board`` to its log, its traces and its table."""
    replay = facts.board
    if replay is not None:
        yield from _check_subject(entry, replay)
        yield from _check_device(entry, replay)
        yield from _check_ports(entry, replay)
        yield from _check_again(entry, replay)
        yield from _check_loads(entry, replay)
        yield from _check_outputs(entry, facts, replay)
    if facts.energy_file is not None:
        yield from _check_energy_file(entry, facts)
        yield from _check_instrument(entry, facts)
    yield from _check_above_baseline(entry, facts)


def _check_subject(entry: Entry, replay: Replay) -> Iterator[Finding]:
    result = entry.result
    stated = {
        "task": result.task.id,
        "model": result.model.sha256,
        "device": result.device.id,
        "split": result.data.split,
        "dataset": result.data.dataset_sha256,
        "samples": result.data.samples,
    }
    where = f"{entry.where}: {BOARD_LOG}"
    if not replay.subjects:
        yield OTHER_SUBJECT.found(where, "does not say what it is about")
    for subject in replay.subjects:
        for key, here in stated.items():
            there = getattr(subject, key)
            if there != here:
                yield OTHER_SUBJECT.found(where, f"{key} {_short(there)}, the result states {_short(here)}")
                return
    named = (named_device(name) for name in replay.names)
    other = next((device for device in named if device not in (None, result.device.id)), None)
    if other is not None:
        yield OTHER_SUBJECT.found(where, f"the firmware is that of {other[:60]}, not of {result.device.id}")
    told = told_by(replay.remarks).get("model")
    if told is not None and not (result.model.sha256 or "").startswith(told):
        yield OTHER_SUBJECT.found(where, f"the firmware holds the model {told[:64]}")


def _check_device(entry: Entry, replay: Replay) -> Iterator[Finding]:
    """No figure of an emulated board is measured, whatever the result calls the device."""
    names = {entry.result.device.id, *filter(None, map(named_device, replay.names))}
    emulated = sorted(name for name in names if name in specs.devices() and specs.device(name).emulated)
    if emulated and any(metric.mode == "measured" for metric in entry.result.metrics):
        yield EMULATED.found(f"{entry.where}: device", f"{emulated[0]} is emulated")


def _check_ports(entry: Entry, replay: Replay) -> Iterator[Finding]:
    odd = [port for port in replay.ports if not _SERIAL_PORT.fullmatch(port)]
    if odd:
        yield NO_SERIAL_PORT.found(f"{entry.where}: {BOARD_LOG}", f"port {odd[0][:100]}")


def _check_again(entry: Entry, replay: Replay) -> Iterator[Finding]:
    given_up = [one for one in replay.again if one.seconds is not None and one.seconds >= MIN_SECONDS]
    if given_up:
        first = given_up[0]
        reason = "without a reason" if first.reason is None else f"as {first.reason}"
        yield MEASURED_AGAIN.found(
            f"{entry.where}: {first.run} run",
            f"{len(given_up)} windows, such as {first.number}: {first.seconds:.3f} s, given up {reason}",
        )


def _check_loads(entry: Entry, replay: Replay) -> Iterator[Finding]:
    accuracy, timed, metered = replay.accuracy, replay.performance, replay.energy
    runs: dict[RunKind, list[str | None]] = {
        "accuracy": [] if accuracy is None else [sample.input_file for sample in accuracy.samples],
        "performance": [] if timed is None else [window.input_file for window in timed.windows],
        "energy": [] if metered is None else [window.input_file for window in metered.windows],
    }
    bytes_of: dict[str | None, set[str]] = {}
    for kind, names in runs.items():
        where, loaded = f"{entry.where}: {kind} run", replay.loaded[kind]
        if None in loaded:
            number = loaded.index(None) + 1
            yield NOT_LOADED.found(where, f"nothing says what was loaded for number {number}")
            return
        if kind != "accuracy" and len(set(loaded)) < len(loaded):
            yield NOT_LOADED.found(where, "two windows have the same bytes as input")
        for name, sha256 in zip(names, loaded, strict=True):
            assert sha256 is not None
            known = bytes_of.setdefault(name, set())
            # Of a recording, the accuracy run has many windows, and a timed run one of these.
            if known and sha256 not in known and (kind != "accuracy" or entry.result.task.id != "ad"):
                yield NOT_LOADED.found(where, f"{str(name)[:100]} was loaded with other bytes than before")
                return
            known.add(sha256)


def _check_outputs(entry: Entry, facts: Recomputed, replay: Replay) -> Iterator[Finding]:
    outputs = facts.outputs
    if outputs is None:
        return
    where = f"{entry.where}: {outputs.file}"
    if replay.accuracy is None:
        yield OUTPUTS_NOT_IN_LOG.found(where, "the log has no accuracy run")
    elif replay.gaps:
        yield OUTPUTS_NOT_IN_LOG.found(where, "numbers are missing in the accuracy run of the log")
    else:
        reason = _difference(outputs, replay.accuracy.samples)
        if reason is not None:
            yield OUTPUTS_NOT_IN_LOG.found(where, reason)


def _difference(outputs: Outputs, logged: Sequence[Sample]) -> str | None:
    """The first sample of which the table says something else than the log."""
    said = [
        (name, [sample.results for sample in each])
        for name, each in groupby(logged, key=lambda sample: sample.input_file)
    ]
    if len(said) != len(outputs.samples):
        return f"has {len(outputs.samples)} samples, the log {len(said)}"
    scores = outputs.file == "scores.csv"
    for row, (name, answers) in zip(outputs.samples, said, strict=True):
        if row.input_file != name:
            return f"{str(row.input_file)[:100]} stands where the log has {str(name)[:100]}"
        expected = _score(answers) if scores else answers[0] if len(answers) == 1 else None
        if expected is None or row.results is None or not _close(row.results, expected):
            return f"{str(name)[:100]} has other numbers than in the log"
    return None


def _score(answers: Sequence[tuple[float, ...] | None]) -> tuple[float, ...] | None:
    """Mean of the one number that each window of a recording has."""
    numbers = [answer[0] for answer in answers if answer is not None and len(answer) == 1]
    return (math.fsum(numbers) / len(numbers),) if len(numbers) == len(answers) else None


def _close(stated: Sequence[float], exact: Sequence[float]) -> bool:
    return len(stated) == len(exact) and all(
        math.isclose(one, other, rel_tol=_CLOSE) for one, other in zip(stated, exact, strict=True)
    )


def _check_energy_file(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    file, run = facts.energy_file, facts.energy_run
    assert file is not None
    where = f"{entry.where}: {FILE}"
    if run is None:
        if facts.board is not None:
            yield ENERGY_FILE_DIFFERS.found(where, "the log has no energy run")
        return
    told = [(window.index, window.input, window.inferences) for window in file.windows]
    logged = [(window.index, window.input_file, window.inferences) for window in run.windows]
    if told != logged:
        yield ENERGY_FILE_DIFFERS.found(
            where, f"lists {len(told)} windows that are not the {len(logged)} of the log"
        )
    for window, baseline_w in zip(file.windows, facts.baselines_w, strict=False):
        if window.trace != trace_name(window.index):
            yield ENERGY_FILE_DIFFERS.found(where, f"window {window.index} has the trace {window.trace}")
        elif baseline_w is None:
            yield ENERGY_FILE_DIFFERS.found(
                where, f"window {window.index} begins before {BASELINE_S:g} s of the idle board"
            )
        elif not math.isclose(window.baseline_w, baseline_w, rel_tol=_CLOSE):
            yield ENERGY_FILE_DIFFERS.found(
                where,
                f"baseline_w of window {window.index} is {window.baseline_w}, by its trace {baseline_w}",
            )
    listed = facts.listed_phases
    if listed is not None and facts.phases is not None and not _same_phases(listed, facts.phases):
        yield ENERGY_FILE_DIFFERS.found(f"{entry.where}: {PHASES}", "is not what the traces say")
    if facts.trace_rate_hz is not None and facts.trace_rate_hz != file.instrument.rate_hz:
        yield ENERGY_FILE_DIFFERS.found(
            where, f"{file.instrument.rate_hz:g} samples per second, a trace has {facts.trace_rate_hz:g}"
        )


def _same_phases(stated: Sequence[RecordedPhase], exact: Sequence[RecordedPhase]) -> bool:
    return len(stated) == len(exact) and all(
        one[:2] == other[:2] and _close(one[2:], other[2:]) for one, other in zip(stated, exact, strict=True)
    )


def _check_instrument(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    assert facts.energy_file is not None
    expected, stated = facts.energy_file.as_instrument, entry.result.instrument
    where = f"{entry.where}: instrument"
    if stated is None:
        yield INSTRUMENT_DIFFERS.found(where, f"is not named; energy.json says {expected.title[:60]}")
    else:
        there = expected.model_dump()
        for key, here in stated.model_dump().items():
            if here != there[key]:
                yield INSTRUMENT_DIFFERS.found(
                    where, f"{key} is {_short(here)}, by energy.json {_short(there[key])}"
                )
                break
    if expected.gate == "timestamps":
        yield HOST_CLOCK.found(where, "no edges of the board's pin were recorded")


def _check_above_baseline(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    stated = entry.result.metric("energy.above_baseline")
    exact = None if facts.energy is None else facts.energy.median_above_baseline_j
    if stated is None or exact is None:
        return
    # Below the power of the idle board there is nothing: noise of a board that takes no more.
    if not math.isclose(stated.value, max(0.0, exact), rel_tol=_CLOSE):
        yield ABOVE_BASELINE_DIFFERS.found(
            f"{entry.where}: metrics",
            f"states {stated.value * 1e6:.3f} µJ, the traces say {exact * 1e6:.3f} µJ",
        )


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
