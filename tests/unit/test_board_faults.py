"""Whatever goes wrong on the serial line: a right result or one clear error, and nothing measured is lost.

Each kind of fault of ``fault_proxy`` strikes in ``SEEDS`` runs, each at a moment of its own, with a fake
board on a pseudo-terminal. To see one again: ``python tests/board_faults.py 1 SEED "KIND"``.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest

from board_faults import Measure, Verdict, measure, trial, trials, workload
from fault_proxy import KINDS, Kind
from tinybench.errors import BoardError
from tinybench.runners.base import Bench, Measurement, Setup
from tinybench.runners.board import Board, timing

SEEDS = 13
"""Of most kinds; more than 500 runs with a fault in all."""
PATIENT = {
    "wrong baud",
    "unexpected baud",
    "boot loop",
    "no input taken",
    "hung",
    "endless line",
    "babbling",
    "another program",
}
"""Kinds with which a run mostly waits."""
PATIENT_SEEDS = 5
FLOATS = (
    "digit flipped to the board",
    "byte lost to the board",
    "lost digit of a result",
    "lost digit of a timestamp",
    "reset",
)
"""Kinds that also strike a board for anomalies: floats go to it, and one score comes back."""
FLOAT_SEEDS = 4


@pytest.fixture(scope="module")
def verdicts() -> dict[str, list[Verdict]]:
    found = defaultdict(list)
    wanted = [
        (kind.name, seed, "kws")
        for seed in range(SEEDS)
        for kind in KINDS
        if seed < PATIENT_SEEDS or kind.name not in PATIENT
    ]
    wanted += [(kind, seed, "ad") for kind in FLOATS for seed in range(FLOAT_SEEDS)]
    for verdict in trials(wanted):
        found[verdict.kind].append(verdict)
    return found


def test_there_are_five_hundred_runs(verdicts: dict[str, list[Verdict]]) -> None:
    assert sum(map(len, verdicts.values())) >= 500


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_fault_ends_in_the_right_result_or_one_clear_error(
    verdicts: dict[str, list[Verdict]], kind: Kind
) -> None:
    assert [str(verdict) for verdict in verdicts[kind.name] if verdict.complaints] == []


@pytest.mark.parametrize("kind", ["unplugged", "replugged", "renamed"])
def test_what_was_measured_is_kept(verdicts: dict[str, list[Verdict]], kind: str) -> None:
    """The second run is held to it by the judge; here, that there was something to keep."""
    assert max(verdict.kept for verdict in verdicts[kind]) > 5


# A judge that never complains proves nothing: runners that are broken on purpose.


def test_a_runner_that_crashes_is_caught() -> None:
    def crash(port: str) -> Measurement:
        raise ValueError("out of spoons")

    assert "ValueError: out of spoons" in str(trial("slow", 1, crash))


def test_a_runner_that_hangs_is_caught() -> None:
    def hang(port: str) -> Measurement:
        while True:
            time.sleep(0.01)

    assert "hung: nothing after 0.2 s" in str(trial("slow", 1, hang, limit_s=0.2))


@pytest.mark.parametrize(
    ("error", "complaint"),
    [
        (BoardError("two\nlines", hint="do this"), "not one clear line"),
        (BoardError("no way out"), "no hint"),
        (BoardError("gave up", hint="do this"), "an error where the run can go on"),
    ],
)
def test_an_unclear_error_is_caught(error: BoardError, complaint: str) -> None:
    def fail(port: str) -> Measurement:
        measure(port)
        raise error

    assert complaint in str(trial("slow", 1, fail))


def test_a_wrong_figure_is_caught() -> None:
    def double(port: str) -> Measurement:
        right = measure(port)
        windows = [window.model_copy(update={"seconds": 2 * window.seconds}) for window in right.windows]
        return replace(right, windows=tuple(windows))

    assert "wrong window" in str(trial("slow", 1, double))


def test_a_wrong_output_is_caught() -> None:
    def confuse(port: str) -> Measurement:
        right = measure(port)
        outputs = right.evidence["outputs.csv"].replace(b"0.984", b"0.948")
        return replace(right, evidence=right.evidence | {"outputs.csv": outputs})

    assert "other outputs" in str(trial("slow", 1, confuse))


def test_a_runner_that_forgets_what_it_measured_is_caught() -> None:
    def forget(port: str) -> Measurement:
        given = workload()
        from board_faults import PATIENCE

        setup = Setup(bench=Bench(port=port, patience=PATIENCE, resume=False))
        return Board().measure(replace(given, setup=setup))

    found = [str(trial("unplugged", seed, forget)) for seed in range(4)]
    assert any("where" in said and "were done already" in said for said in found), found


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Measure]:
    """A runner that takes each number for what the board said."""
    monkeypatch.setattr(timing, "_SAME", 1e12)
    return measure


def test_a_runner_that_trusts_every_number_is_caught(trusting: Measure) -> None:
    found = [str(trial("lost digit of a timestamp", seed, trusting)) for seed in range(4)]
    assert any("wrong window" in said for said in found), found
