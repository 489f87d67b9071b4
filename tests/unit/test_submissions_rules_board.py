"""A result of the runner ``board`` is held to its log and its traces: whatever is changed is noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from board_evidence import (
    ENERGY_MS,
    PERFORMANCE_US,
    BoardRun,
    bounds,
    good_run,
    measured_vww,
    names,
    trace_bytes,
)
from evidence_fixtures import Files, changed, with_metrics
from tinybench.boards.energy_file import PHASES, phases_of, write_phases
from tinybench.meters.eembc import read_trace
from tinybench.results.schema import DeviceRef, Metric, Result
from tinybench.results.store import describe_evidence
from tinybench.submissions.entry import Entry, opener
from tinybench.submissions.rules import Examined, examine


def examined(result: Result, files: Files) -> Examined:
    openers = {name: opener(lambda data=data: data) for name, data in files.items()}  # type: ignore[misc]
    return examine(Entry("results/example.json", result, openers))


def codes(result: Result, files: Files) -> set[str]:
    return {finding.rule.code for finding in examined(result, files).findings}


def after(change: Callable[[BoardRun], None]) -> set[str]:
    """What is found in a run that was changed before its result was written."""
    run = good_run()
    change(run)
    return codes(*run.result())


def test_a_good_run_breaks_no_rule_and_is_checked_by_its_evidence() -> None:
    found = examined(*measured_vww())
    assert found.findings == ()
    assert found.evidence_checked
    assert found.facts.metrics == {
        "accuracy.top1",
        "latency.per_inference",
        "throughput",
        "energy.per_inference",
        "energy.above_baseline",
        "power.active",
    }
    assert found.facts.performance is not None
    windows = found.facts.performance.windows
    assert [window.seconds for window in windows] == [us / 1e6 for us in PERFORMANCE_US]
    assert all(window.wrapped for window in windows)


def lap(run: BoardRun) -> None:
    k = run.line("m-lap-us-", 1)
    text, _, us = run.log.lines[k].rpartition("-")
    run.log.lines[k] = f"{text}-{int(us) + 1000}"


def swapped_samples(run: BoardRun) -> None:
    first, second = (run.line(f"accuracy {number} input") for number in (11, 12))
    texts = [run.log.lines[k].split(" input ") for k in (first, second)]
    run.log.lines[first] = f"{texts[0][0]} input {texts[1][1]}"
    run.log.lines[second] = f"{texts[1][0]} input {texts[0][1]}"


def swapped_inferences(run: BoardRun) -> None:
    """Two samples with other answers are asked in the other order."""
    first, second = (run.line(f"accuracy {number} input") for number in (150, 151))
    lines = run.log.lines
    texts = [lines[k].split(" input ") for k in (first, second)]
    lines[first], lines[second] = (f"{texts[k][0]} input {texts[1 - k][1]}" for k in (1, 0))


def given_up(run: BoardRun) -> None:
    """A window of 10.3 s before the one that counts."""
    k, end = run.line("session: performance 2 input"), run.line("kept performance 2")
    block = run.log.lines[k:end]
    block = [line.replace("m-lap-us-1032704", "m-lap-us-1042704") for line in block]
    now = block[0].partition(" ")[0]
    run.log.lines[k:k] = [*block, f"{now} session: dropped performance 2: a bad feeling"]


MUTATIONS: dict[str, tuple[Callable[[BoardRun], None], set[str]]] = {
    "a lap is a millisecond later": (lap, {"TB308", "TB309"}),
    "a timestamp is missing": (lambda run: run.drop("m-lap-us-", 2), {"TB303", "TB308", "TB309"}),
    "a window never ends": (lambda run: run.drop("m-infer-done"), {"TB303", "TB308", "TB309"}),
    "the end is missing": (lambda run: run.drop("session: end"), {"TB321"}),
    "an input never arrived": (lambda run: run.drop("m-load-done", 7), {"TB344"}),
    "an input was never sent": (lambda run: run.drop("host: db of", 7), {"TB344"}),
    "the bytes of an input are others": (
        lambda run: run.replace("sha256", "sha256 " + "0" * 64 + ", in 1 commands #"),
        {"TB344"},
    ),
    "an answer is missing": (lambda run: run.drop("m-results-", 20), {"TB232"}),
    "an answer is another": (
        lambda run: run.log.lines.__setitem__(
            run.line("m-results-", 20), "00099.000 dut: m-results-[0.500,0.500]"
        ),
        {"TB232"},
    ),
    "a sample is missing": (lambda run: run.drop("accuracy 20 input"), {"TB232"}),
    "two samples are exchanged": (swapped_samples, {"TB232"}),
    "samples were asked in another order": (swapped_inferences, {"TB232"}),
    "the log has another task": (lambda run: run.replace("m-model-[vww01]", "m-model-[kws01]"), {"TB325"}),
    "the log is of another model": (lambda run: run.replace(" model ", " model 0"), {"TB340"}),
    "the log is of another device": (lambda run: run.replace("device nucleo-l4r5zi", "device x"), {"TB340"}),
    "the log is of another split": (lambda run: run.replace("split official", "split smoke"), {"TB340"}),
    "the firmware is that of another device": (
        lambda run: run.replace("[unspecified]", "[tinybench nucleo-h7a3zi-q]"),
        {"TB340"},
    ),
    "the firmware has another model": (
        lambda run: run.replace("m-model-[vww01]", "m-[tinybench model=0123456789abcdef;version=0.1.0]"),
        {"TB340"},
    ),
    "the firmware is that of an emulator": (
        lambda run: run.replace("[unspecified]", "[tinybench qemu-mps2-an386]"),
        {"TB340", "TB341"},
    ),
    "the port is a pseudo-terminal": (lambda run: run.replace("/dev/ttyACM0", "/dev/pts/7"), {"TB342"}),
    "the port is somewhere in a network": (
        lambda run: run.replace("/dev/ttyACM0", "socket://localhost:7"),
        {"TB342"},
    ),
    "a whole window was given up": (given_up, {"TB343"}),
    "the device complains": (
        lambda run: run.log.lines.insert(run.line("m-load-done"), "00000.100 dut: e-[Unknown command: x]"),
        {"TB323"},
    ),
    "two traces are exchanged": (
        lambda run: run.files.update(
            {"trace-1.bin": run.files["trace-2.bin"], "trace-2.bin": run.files["trace-1.bin"]}
        ),
        {"TB408", "TB409", "TB413"},
    ),
    "a trace is of another rate": (
        lambda run: run.files.update({"trace-1.bin": b"\xf1\0\0\xfa\x44" + run.files["trace-1.bin"][5:]}),
        {"TB413", "TB420"},
    ),
    "a trace is missing": (lambda run: run.files.pop("trace-3.bin"), {"TB412"}),
    "a trace is broken": (lambda run: run.files.update({"trace-3.bin": b"\xf1"}), {"TB320"}),
    "the energy of a phase is listed otherwise": (
        lambda run: run.files.update(
            {"phases.csv": run.files["phases.csv"].replace(b"1,pre,0.5,", b"1,pre,0.4,")}
        ),
        {"TB413"},
    ),
    "a phase is not listed": (
        lambda run: run.files.update({"phases.csv": b"window,phase,start_s,end_s,energy_j\n"}),
        {"TB413"},
    ),
    "phases are something else": (lambda run: run.files.update({"phases.csv": b"a\nb\n"}), {"TB320"}),
    "the idle power is listed otherwise": (lambda run: run.relist(5, baseline_w=0.0), {"TB413"}),
    "a window is listed with other inferences": (lambda run: run.relist(2, inferences=76), {"TB413"}),
    "a window is listed with another input": (lambda run: run.relist(2, input="x"), {"TB413"}),
    "a window is listed with the trace of another": (
        lambda run: run.relist(2, trace="trace-1.bin"),
        {"TB408", "TB409", "TB413"},
    ),
    "the bounds of a window are moved": (
        lambda run: run.relist(3, start_s=bounds(ENERGY_MS[2])[0] + 0.1),
        {"TB408", "TB409", "TB413", "TB414"},
    ),
    "a window begins with its trace": (lambda run: run.relist(3, start_s=0.1), {"TB407", "TB409", "TB413"}),
    "a window ends behind its trace": (lambda run: run.relist(3, end_s=99.0), {"TB407", "TB413", "TB420"}),
    "the host bounds the windows": (lambda run: run.relist(1, gate="timestamps"), {"TB416"}),
}


@pytest.mark.parametrize("what", MUTATIONS)
def test_a_change_in_the_evidence_is_found(what: str) -> None:
    change, expected = MUTATIONS[what]
    assert after(change) == expected


def without_last(result: Result) -> Result:
    return changed(result, windows=result.windows[:-1])


def of_window(result: Result, position: int, **changes: Any) -> Result:
    windows = list(result.windows)
    windows[position] = windows[position].model_copy(update=changes)
    return changed(result, windows=tuple(windows))


def figure(result: Result, name: str, factor: float) -> Result:
    return with_metrics(result, **{name.replace(".", "_", 1): result.metric(name).value * factor})  # type: ignore[union-attr, arg-type]


def emulated(result: Result) -> Result:
    assert isinstance(result.device, DeviceRef)
    return changed(result, device=result.device.model_copy(update={"id": "qemu-mps2-an386"}))


CLAIMS: dict[str, tuple[Callable[[Result], Result], set[str]]] = {
    "a shorter window": (lambda result: of_window(result, 0, seconds=10.1999), {"TB309"}),
    "a window rounded to milliseconds": (
        lambda result: of_window(result, 0, seconds=10.2000001),
        {"TB309"},
    ),
    "less energy in a window": (
        lambda result: of_window(result, 5, joules=(result.windows[5].joules or 0) * (1 - 1e-6)),
        {"TB409"},
    ),
    "a window less": (without_last, {"TB409"}),
    "another input": (lambda result: of_window(result, 1, input=names()[3]), {"TB309"}),
    "a lower latency": (
        lambda result: figure(figure(result, "latency.per_inference", 0.99), "throughput", 1 / 0.99),
        {"TB308"},
    ),
    "less energy": (lambda result: figure(result, "energy.per_inference", 1 - 1e-6), {"TB408"}),
    "less energy above idle": (lambda result: figure(result, "energy.above_baseline", 0.99), {"TB414"}),
    "less power": (lambda result: figure(result, "power.active", 0.9), {"TB422"}),
    "a better accuracy": (lambda result: with_metrics(result, accuracy_top1=0.851), {"TB220"}),
    "another supply": (
        lambda result: changed(result, device=result.device.model_copy(update={"supply_v": 1.8})),
        {"TB425"},
    ),
    "an emulated device": (emulated, {"TB340", "TB341"}),
    "no analyser": (lambda result: changed(result, instrument=None), {"TB415"}),
    "another analyser": (
        lambda result: changed(
            result,
            instrument=result.instrument.model_copy(update={"calibration": "2026-01-01"}),  # type: ignore[union-attr]
        ),
        {"TB415"},
    ),
    "another model": (
        lambda result: changed(result, model=result.model.model_copy(update={"sha256": "e" * 64})),
        {"TB340"},
    ),
}


@pytest.mark.parametrize("what", CLAIMS)
def test_a_claim_that_the_evidence_does_not_bear_out_is_found(what: str) -> None:
    claim, expected = CLAIMS[what]
    result, files = measured_vww()
    assert codes(claim(result), files) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("log.txt", {"TB312", "TB412"}),
        ("energy.json", {"TB412"}),
        ("trace-2.bin", {"TB412"}),
        ("outputs.csv", {"TB227"}),
    ],
)
def test_without_a_file_a_figure_is_a_claim(name: str, expected: set[str]) -> None:
    result, files = measured_vww()
    less = {key: data for key, data in files.items() if key != name}
    found = examined(changed(result, evidence=describe_evidence(less)), less)
    assert {finding.rule.code for finding in found.findings} == expected
    assert not found.evidence_checked


@pytest.mark.parametrize(
    ("port", "serial"),
    [
        ("/dev/ttyUSB1", True),
        ("/dev/cu.usbmodem1103", True),
        ("/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink-if02", True),
        ("/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.2", True),
        ("COM7", True),
        (r"\\.\COM12", True),
        ("/dev/tty/../pts/7", False),
        ("/home/me/board", False),
        ("rfc2217://host:2217", False),
        ("loop://", False),
    ],
)
def test_only_names_of_serial_ports_pass_for_one(port: str, serial: bool) -> None:
    assert after(lambda run: run.replace("/dev/ttyACM0", port)) == (set() if serial else {"TB342"})


@pytest.mark.parametrize("data", [b"", b"not a log\n", b"00000.000 session: end\n", b"\xff" * 100])
def test_a_log_of_something_else_is_unreadable(data: bytes) -> None:
    result, files = measured_vww()
    assert codes(result, files | {"log.txt": data}) == {"TB320"}


def test_the_table_is_held_to_the_log() -> None:
    result, files = measured_vww()
    lines = files["outputs.csv"].decode().splitlines(keepends=True)
    flattered = list(lines)
    flattered[5] = lines[5].replace("0.125,0.875", "0.875,0.125")
    assert flattered != lines
    better = with_metrics(result, accuracy_top1=0.851)
    assert codes(better, files | {"outputs.csv": "".join(flattered).encode()}) == {"TB232"}
    reordered = [lines[0], lines[2], lines[1], *lines[3:]]
    assert codes(result, files | {"outputs.csv": "".join(reordered).encode()}) == {"TB232"}


def test_what_another_runner_says_of_the_same_run_is_told_twice() -> None:
    result, files = measured_vww()
    assert codes(result, files | {"performance-log.txt": files["log.txt"]}) == {"TB326"}


def test_windows_may_grow_while_the_runner_finds_their_length() -> None:
    run = good_run()
    k = run.line("session: performance 1 input")
    run.log.lines[k:k] = [
        *(line.replace("75", "10") for line in run.log.lines[k : run.line("kept performance 1")]),
        f"{run.log.lines[k].partition(' ')[0]} session: dropped performance 1: 1.36 s are too short",
    ]
    first = run.line("m-lap-us-", 1)
    run.log.lines[first] = run.log.lines[first].rpartition("-")[0] + "-392704"
    assert codes(*run.result()) == set()


def test_a_run_that_was_stopped_goes_on_in_the_same_log() -> None:
    """The cable is pulled in a window; the next process begins it again."""
    run = good_run()
    k, infer = run.line("session: performance 4 input"), run.line("m-infer-start-75", 3)
    opening = run.log.lines[: run.line("session: performance 1 input")]
    run.log.lines[k:k] = [*run.log.lines[k:infer], *opening]
    assert codes(*run.result()) == set()


def test_energy_metered_less_than_idle_is_not_negative() -> None:
    run, joules, phases = good_run(), {}, []
    for window in run.energy.windows:
        data = run.files[window.trace] = trace_bytes(ENERGY_MS[window.index - 1], 5.0)
        trace = read_trace(data, window.trace)
        joules[window.index] = trace.energy_j(window.start_s, window.end_s)
        phases += phases_of(window, trace)
    run.files[PHASES] = write_phases(phases)
    run.windows = [
        window if window.run == "performance" else window.model_copy(update={"joules": joules[window.index]})
        for window in run.windows
    ]
    result, files = run.result()
    assert result.metric("energy.above_baseline") == Metric.of("energy.above_baseline", 0.0, "measured")
    assert codes(result, files) == set()
