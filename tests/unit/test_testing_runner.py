"""The conformance kit finds each fault of a runner by the one check that is about it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tinybench import specs
from tinybench.errors import UsageError
from tinybench.progress import Progress, silent
from tinybench.results.schema import DEVICE_METRICS, Engine, Metric, Unavailable
from tinybench.runners.base import Measurement, Setup, Workload
from tinybench.runners.ethos_u import EthosU
from tinybench.runners.litert import LiteRt
from tinybench.runners.registry import PLUGINS
from tinybench.runners.tflm_sim import TflmSim
from tinybench.testing import check_runner
from tinybench.testing.checks import outcomes
from tinybench.testing.runner import CHECKS, Trials

LATENCY = Metric.of("latency.per_inference", 0.25, "predicted")


class Guess:
    """A runner that gives a figure for every model whose operators it knows."""

    name = "guess"
    interface = 1
    summary = "a constant, for tests"
    runs_on: Any = "simulator"

    def check(self, setup: Setup) -> None: ...

    def check_device(self, device: specs.DeviceSpec) -> None: ...

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        for operator in workload.model.operators:
            if operator.kind.startswith("CUSTOM"):
                raise UsageError(f"{operator} is not known")
        progress("guessing", 0, 1)
        progress("guessing", 1, 1)
        return Measurement(
            engine=Engine(name="guess", version="1", kernels=None, kernels_version=None, compiler=None),
            metrics=(LATENCY,),
            unavailable=tuple(
                Unavailable(name=name, reason="it is not guessed")
                for name in DEVICE_METRICS
                if name != LATENCY.name
            ),
        )


class WithoutCheck(Guess):
    check_device = property()  # type: ignore[assignment]


class OnTheMoon(Guess):
    runs_on = "moon"


class Shouting(Guess):
    name = "Guess It!"


class Wordy(Guess):
    summary = "two\nlines"


class OfTomorrow(Guess):
    interface = 2


class Slow(Guess):
    def check(self, setup: Setup) -> None:
        time.sleep(0.4)


class Incomplete(Guess):
    def check(self, setup: Setup) -> None:
        raise UsageError("it needs a licence", hint="buy one")


class Stranger(Guess):
    def check_device(self, device: specs.DeviceSpec) -> None:
        raise UsageError(f"it does not know {device.id}")


class Dishonest(Guess):
    """It finds out in the middle what it could have said at once."""

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        raise UsageError("it needs a licence")


class Changed(Guess):
    """Changes one field of what is measured."""

    def changed(self, measured: Measurement) -> Measurement:
        return measured

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        return self.changed(super().measure(workload, progress))


class InMilliseconds(Changed):
    def changed(self, measured: Measurement) -> Measurement:
        return replace(measured, metrics=(LATENCY.model_copy(update={"unit": "ms"}),))


class WithoutMode(Changed):
    def changed(self, measured: Measurement) -> Measurement:
        return replace(measured, metrics=(LATENCY.model_copy(update={"mode": None}),))


class Pretending(Changed):
    def changed(self, measured: Measurement) -> Measurement:
        return replace(measured, metrics=(LATENCY.model_copy(update={"mode": "measured"}),))


class Taciturn(Changed):
    def changed(self, measured: Measurement) -> Measurement:
        return replace(measured, unavailable=measured.unavailable[1:])


class Random(Changed):
    def changed(self, measured: Measurement) -> Measurement:
        return replace(measured, notes=(f"at {time.monotonic_ns()}",))


class Eager(Guess):
    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        progress("guessing", 2, 1)
        return super().measure(workload, silent)


class Backwards(Guess):
    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        progress("guessing", 5, 9)
        progress("guessing", 4, 9)
        return super().measure(workload, silent)


class Fractional(Guess):
    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        progress("guessing", 0.5, 1)  # type: ignore[arg-type]
        return super().measure(workload, silent)


class Talking(Guess):
    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        print("here is my guess")
        return super().measure(workload, progress)


class TalkingNatively(Guess):
    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        subprocess.run(["echo", "here is my guess"], check=True)
        return super().measure(workload, progress)


class Littering(Guess):
    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        Path("guess.log").write_text("a guess")
        return super().measure(workload, progress)


class Clumsy(Guess):
    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        if any(operator.kind.startswith("CUSTOM") for operator in workload.model.operators):
            raise KeyError("CUSTOM")
        return super().measure(workload, progress)


def failed(runner: object) -> dict[str, str]:
    trials = Trials(runner, device=None, task="kws", limit=1, bench=None, quick_s=0.3)
    return {found.check: found.said for found in outcomes(CHECKS, trials) if found.verdict == "failed"}


def test_a_good_runner_conforms() -> None:
    check_runner(Guess(), limit=1)


@pytest.mark.parametrize(
    ("runner", "device"), [(LiteRt(), None), (TflmSim(), None), (EthosU(), "ethos-u55-128")]
)
def test_those_that_are_built_in_conform(runner: Any, device: str | None) -> None:
    check_runner(runner, device=device, limit=1)


@pytest.mark.parametrize(
    ("runner", "check", "says"),
    [
        (WithoutCheck, "has-all-parts", "it has no check_device"),
        (OnTheMoon, "has-all-parts", "runs_on is 'moon'"),
        (Shouting, "has-a-name", "'Guess It!'"),
        (Wordy, "has-a-summary", "not one line"),
        (OfTomorrow, "states-its-interface", "it was made for interface 2"),
        (Slow, "checks-quickly", "check() took 0.4 s"),
        (Incomplete, "finds-what-it-needs", "it needs a licence (hint: buy one)"),
        (Stranger, "finds-what-it-needs", "it does not know nucleo-l4r5zi"),
        (Dishonest, "measures", "check() found nothing missing, but measuring ended with it needs a licence"),
        (InMilliseconds, "gives-a-valid-result", "is given in 's', not in 'ms'"),
        (WithoutMode, "gives-a-valid-result", "mode"),
        (Pretending, "says-how-figures-came-to-be", "latency.per_inference cannot be measured"),
        (Taciturn, "explains-what-is-missing", "no figure and no reason for throughput"),
        (Eager, "reports-progress", "progress('guessing', 2, 1): not between"),
        (Backwards, "reports-progress", "went back from 5"),
        (Fractional, "reports-progress", "no whole numbers"),
        (Random, "repeats-itself", "measured twice, it differs in notes"),
        (Talking, "prints-nothing", "here is my guess"),
        (TalkingNatively, "prints-nothing", "here is my guess"),
        (Littering, "leaves-no-files", "guess.log"),
        (Clumsy, "refuses-models-in-words", "an unknown operator ends in KeyError"),
    ],
)
def test_a_fault_is_found_by_its_own_check(runner: type[Guess], check: str, says: str) -> None:
    found = failed(runner())
    assert list(found) == [check]
    assert says in found[check]


def test_every_check_has_a_fault_that_it_finds() -> None:
    (mark,) = test_a_fault_is_found_by_its_own_check.pytestmark  # type: ignore[attr-defined]
    assert {case[1] for case in mark.args[1]} == {check.__name__.replace("_", "-") for check in CHECKS}


def test_all_faults_are_told_at_once() -> None:
    class Both(Wordy, OfTomorrow): ...

    with pytest.raises(AssertionError, match=r"has-a-summary: .*\nstates-its-interface: "):
        check_runner(Both(), limit=1)


def test_what_is_tried_is_not_left_behind() -> None:
    check_runner(Guess(), limit=1)
    assert "guess" not in PLUGINS._made


@pytest.fixture
def taken() -> Iterator[Guess]:
    guess = Guess()
    with PLUGINS.offered("guess", guess):
        yield guess


def test_the_command_prints_each_check(taken: Guess, capsys: pytest.CaptureFixture[str]) -> None:
    from tinybench.testing import __main__ as command

    arguments = ["runner", "guess", "--limit", "1"]
    assert run_command(command, arguments) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"passed    {check.__name__.replace('_', '-')}" for check in CHECKS
    ]
    taken.summary = ""
    assert run_command(command, arguments) == 1
    assert "failed    has-a-summary: the summary is not one line" in capsys.readouterr().out


def test_the_command_names_a_runner_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    from tinybench.testing import __main__ as command

    assert run_command(command, ["runner", "gess"]) == 2
    assert capsys.readouterr().err.startswith("error: unknown runner 'gess'\nhint: known: ")


def run_command(command: Any, arguments: list[str]) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tinybench.testing", *arguments])
        return int(command.main())
