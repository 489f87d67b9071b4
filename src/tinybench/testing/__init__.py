"""Conformance of plug-ins: what an author's own tests call.

    from tinybench.testing import check_runner
    check_runner(MyRunner(), device="my-device")

Each function makes all checks of one kind of plug-in and raises one ``AssertionError`` that says all that is
wrong; pytest is not needed. ``python -m tinybench.testing runner NAME`` prints the same for one that is
installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinybench.testing.checks import demand

if TYPE_CHECKING:
    from tinybench.content import Content
    from tinybench.datasets.base import FrontEnd
    from tinybench.meters.base import Meter
    from tinybench.runners.base import Bench, Runner
    from tinybench.specs import TaskSpec

__all__ = ["check_content", "check_meter", "check_runner", "check_task"]


def check_runner(
    runner: Runner,
    *,
    device: str | None = None,
    task: str = "kws",
    limit: int = 2,
    bench: Bench | None = None,
    quick_s: float = 5.0,
) -> None:
    """See that a runner does what the protocol ``tinybench.runners.Runner`` says.

    It measures the reference model of a task twice, on a few of its golden vectors, and gives the runner
    models that it cannot execute.

    Args:
        runner: an object of the class that the entry point leads to; the package need not be installed.
        device: id of a device that it knows; the task's default device if not given.
        task: id of the task.
        limit: how many golden vectors are classified.
        bench: the board, for a runner that measures one.
        quick_s: what ``check`` and ``check_device`` may take, in seconds.

    Raises:
        AssertionError: what is wrong, one line for each check that failed.
    """
    from tinybench.testing.runner import CHECKS, Trials

    demand(CHECKS, Trials(runner, device=device, task=task, limit=limit, bench=bench, quick_s=quick_s))


def check_meter(
    meter: Meter,
    *,
    address: str | None = None,
    supply_v: float | None = None,
    seconds: float = 1.0,
    quick_s: float = 5.0,
) -> None:
    """See that a power analyser does what the protocol ``tinybench.meters.base.Meter`` says.

    Args:
        meter: an object of the class that the entry point leads to.
        address: of one that is plugged in, or emulated: it is opened and records. If not given, that part is
            left out.
        supply_v: voltage to supply, or the one that supplies the board, in volt.
        seconds: how long it records.
        quick_s: what ``check`` and ``find`` may take, in seconds.

    Raises:
        AssertionError: what is wrong, one line for each check that failed.
    """
    from tinybench.testing.meter import CHECKS, Trials

    demand(CHECKS, Trials(meter, address=address, supply_v=supply_v, seconds=seconds, quick_s=quick_s))


def check_task(front_end: FrontEnd, task: TaskSpec) -> None:
    """See that the front end of a task does what the protocol ``tinybench.datasets.base.FrontEnd`` says.

    Args:
        front_end: the module or object that the entry point leads to.
        task: its task, such as ``tinybench.specs.task("my-task")``.

    Raises:
        AssertionError: what is wrong, one line for each check that failed.
    """
    from tinybench.testing.task import CHECKS, Trials

    demand(CHECKS, Trials(front_end, task))


def check_content(found: Content) -> None:
    """See that tasks, models, devices and batteries are valid and fit what is built in.

    Args:
        found: what the entry point leads to: something with ``interface`` and ``root``.

    Raises:
        AssertionError: what is wrong, one line for each check that failed.
    """
    from tinybench.testing.content import CHECKS, Files

    demand(CHECKS, Files(found))
