"""Checks of a runner: it measures, says what it measured, and fails in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, get_args

from pydantic import ValidationError

import tinybench
from tinybench import specs
from tinybench.errors import TinybenchError
from tinybench.results.record import UNEXPLAINED
from tinybench.results.schema import Result
from tinybench.runners.base import Bench, RunsOn, Setup
from tinybench.runners.registry import PLUGINS
from tinybench.specs.base import first_error
from tinybench.testing import checks
from tinybench.testing.checks import NotMadeError, Seen, described, observed, require
from tinybench.testing.models import odd_models

RUNS_ON: Final = get_args(RunsOn)
_EACH: Final = 3
"""How many differences are told."""
_MAX_STEP: Final = 60
"""Longest text of a step: it stands beside a bar."""


@dataclass
class Run:
    """One measurement: what came of it, and what was seen meanwhile."""

    result: Result | None = None
    error: Exception | None = None
    seen: Seen = field(default_factory=Seen)
    progress: list[tuple[object, object, object]] = field(default_factory=list)


class Trials:
    """A runner, and what it does when it is asked to."""

    def __init__(
        self,
        runner: Any,
        *,
        device: str | None,
        task: str,
        limit: int,
        bench: Bench | None,
        quick_s: float,
    ) -> None:
        self.runner = runner
        self.task = specs.task(task)
        self.device = device
        self.limit = limit
        self.bench = bench
        self.quick_s = quick_s

    @cached_property
    def first(self) -> Run:
        """The first measurement."""
        return self.run()

    @cached_property
    def second(self) -> Run:
        """The same once more."""
        return self.run()

    @property
    def result(self) -> Result:
        """What was measured."""
        if self.first.result is None:
            raise NotMadeError("nothing was measured")
        return self.first.result

    def run(self, model: Path | None = None) -> Run:
        """Measure golden vectors with ``tinybench.run``."""
        if (
            any(not hasattr(self.runner, part) for part in PLUGINS.parts)
            or self.runner.runs_on not in RUNS_ON
        ):
            raise NotMadeError("its parts come first")
        done = Run()
        with observed() as done.seen, PLUGINS.offered(self.runner.name, self.runner):
            try:
                done.result = tinybench.run(
                    self.task.id,
                    self.runner.name,
                    device=None if self.runner.runs_on == "host" else self.device,
                    model=model,
                    split="golden",
                    limit=self.limit,
                    bench=self.bench,
                    progress=lambda step, made, total: done.progress.append((step, made, total)),
                )
            except Exception as error:
                done.error = error
        return done

    @property
    def setup(self) -> Setup:
        """As ``tinybench.run`` makes it."""
        return Setup(bench=self.bench)

    @property
    def device_spec(self) -> specs.DeviceSpec:
        """The device that is measured."""
        return specs.device(self.device or self.task.default_device)


def has_all_parts(trials: Trials) -> None:
    """It has what the protocol has, and runs on the host, a simulator or a board."""
    checks.require_parts(PLUGINS, trials.runner)
    where = trials.runner.runs_on
    require(where in RUNS_ON, f"runs_on is {where!r}, and none of {', '.join(RUNS_ON)}")


def has_a_name(trials: Trials) -> None:
    """Its name can be typed, and be part of the name of a file."""
    checks.require_name(trials.runner)


def has_a_summary(trials: Trials) -> None:
    """Its summary is one line for people."""
    checks.require_summary(trials.runner)


def states_its_interface(trials: Trials) -> None:
    """It states the interface that is spoken here."""
    checks.require_interface(PLUGINS, trials.runner)


def checks_quickly(trials: Trials) -> None:
    """check() and check_device() take no time to speak of."""
    checks.require_quick(lambda: trials.runner.check(trials.setup), "check()", trials.quick_s)
    checks.require_quick(
        lambda: trials.runner.check_device(trials.device_spec), "check_device()", trials.quick_s
    )


def finds_what_it_needs(trials: Trials) -> None:
    """check() and check_device() raise nothing: what it needs is installed, and it knows the device."""
    refused = _refused(trials)
    require(refused is None, f"before anything is measured it says: {refused and described(refused)}")


def _refused(trials: Trials) -> TinybenchError | None:
    """What it says is missing, or that it does not know the device."""
    try:
        with observed():
            trials.runner.check(trials.setup)
            trials.runner.check_device(trials.device_spec)
    except TinybenchError as error:
        return error
    return None


def measures(trials: Trials) -> None:
    """The reference model of the task is measured, as check() promised."""
    error = trials.first.error
    if error is not None and not isinstance(error, ValidationError):
        if _refused(trials) is not None:
            raise NotMadeError("what it needs comes first")
        raise AssertionError(f"check() found nothing missing, but measuring ended with {described(error)}")


def gives_a_valid_result(trials: Trials) -> None:
    """Every figure has the unit of its name and a mode, and the result can be written and read."""
    error = trials.first.error
    if isinstance(error, ValidationError):
        raise AssertionError(f"no valid result: {first_error(error)}")
    again = Result.model_validate_json(trials.result.to_json())
    require(again == trials.result, "the result is another one when it is read from its file")


def says_how_figures_came_to_be(trials: Trials) -> None:
    """Only what ran on a real board is measured; a simulator or an estimate never is."""
    emulated = trials.runner.runs_on != "board" or trials.device_spec.emulated
    wrong = [metric.name for metric in trials.result.metrics if emulated and metric.mode == "measured"]
    require(not wrong, f"{', '.join(wrong)} cannot be measured: nothing ran on a real board")


def explains_what_is_missing(trials: Trials) -> None:
    """Each figure that it does not give has a reason of its own."""
    missing = [one.name for one in trials.result.unavailable if one.reason == UNEXPLAINED]
    require(not missing, f"no figure and no reason for {', '.join(missing)}: add them to 'unavailable'")


def reports_progress(trials: Trials) -> None:
    """Progress is a step in a few words, and whole numbers that never go back within a step."""
    furthest: dict[object, int] = {}
    for step, done, total in trials.first.progress:
        said = f"progress({step!r}, {done!r}, {total!r})"
        if not isinstance(step, str) or not step.isprintable() or not 0 < len(step) <= _MAX_STEP:
            raise AssertionError(f"{said}: the step is no short text")
        if not isinstance(done, int) or not isinstance(total, int):
            raise AssertionError(f"{said}: no whole numbers")
        require(done >= 0 and (total == 0 or done <= total), f"{said}: not between 0 and the total")
        require(done >= furthest.get(step, 0), f"{said}: went back from {furthest.get(step)}")
        furthest[step] = done


def repeats_itself(trials: Trials) -> None:
    """The same inputs give the same result, with the same id, unless a board is measured."""
    if trials.runner.runs_on == "board":
        raise NotMadeError("a board never takes the same time twice")
    first, second = trials.result, trials.second.result
    if second is None:
        raise AssertionError("a second time, nothing was measured")
    differ = [
        name
        for name in Result.model_fields
        if name not in ("id", "created", "environment") and getattr(first, name) != getattr(second, name)
    ]
    require(first.id == second.id, f"measured twice, it differs in {', '.join(differ[:_EACH])}")


def prints_nothing(trials: Trials) -> None:
    """Nothing is written to standard output or error: the command line does that."""
    checks.require_quiet([trials.first.seen])


def leaves_no_files(trials: Trials) -> None:
    """Nothing is left in the working folder, which is the user's."""
    checks.require_tidy([trials.first.seen])


def refuses_models_in_words(trials: Trials) -> None:
    """A float model, wrong shapes and an unknown operator end in a TinybenchError, if they are not measured.

    The first two are refused by tinybench before the runner sees them, the third by the runner.
    """
    if trials.first.error is not None:
        raise NotMadeError("nothing was measured")
    with TemporaryDirectory() as folder:
        good = specs.model(trials.task.reference_model).path.read_bytes()
        for what, path in odd_models(good, Path(folder)).items():
            error = trials.run(path).error
            fine = error is None or isinstance(error, TinybenchError)
            require(fine, f"{what} ends in {described(error) if error else ''}, which is no TinybenchError")


CHECKS: Final[tuple[Callable[[Trials], None], ...]] = (
    has_all_parts,
    has_a_name,
    has_a_summary,
    states_its_interface,
    checks_quickly,
    finds_what_it_needs,
    measures,
    gives_a_valid_result,
    says_how_figures_came_to_be,
    explains_what_is_missing,
    reports_progress,
    repeats_itself,
    prints_nothing,
    leaves_no_files,
    refuses_models_in_words,
)
