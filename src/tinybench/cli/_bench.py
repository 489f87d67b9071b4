"""The options of a board on the desk, which become one ``Bench``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from tinybench.results.schema import Engine
    from tinybench.runners.base import Bench, RunName

F = TypeVar("F", bound=Callable[..., Any])

RUNS: Final[tuple[RunName, ...]] = ("performance", "accuracy", "energy")
_NAMES: Final = (
    *("port", "baud", "meter", "recording", "supply", "runs"),
    *("flash", "probe", "engine", "window", "fresh"),
)
_OPTIONS: Final = (
    click.option("--port", metavar="PORT", help="Serial line of the board: /dev/ttyACM0.  [board]"),
    click.option(
        "--baud",
        type=click.IntRange(min=1),
        help="Symbols per second; found out if not given.  [board]",
        show_default=False,
    ),
    click.option("--meter", metavar="NAME[:ADDRESS]", help="Power analyser: ppk2, joulescope, ...  [board]"),
    click.option(
        "--recording",
        metavar="FILE",
        help="What another program records of power meanwhile.  [board]",
    ),
    click.option(
        "--supply", metavar="VOLT", type=float, help="What the power analyser supplies to the board.  [board]"
    ),
    click.option(
        "--runs",
        metavar="RUNS",
        help="Of performance, accuracy and energy, with commas.  [board; default: the first two, and energy "
        "with a power analyser]",
    ),
    click.option("--flash", metavar="FILE", help="Write this firmware to it first, by pyOCD.  [board]"),
    click.option("--probe", metavar="ID", help="Which debug probe writes it, of several.  [board]"),
    click.option(
        "--engine",
        metavar="NAME|FILE",
        help="What executes the model, if the firmware does not tell: a name, or a .toml file with name, "
        "version, kernels, kernels_version, compiler and flags.  [board]",
    ),
    click.option(
        "--window",
        metavar="SECONDS",
        type=float,
        help="Shortest window; less than 10 s is not publishable.  [board]",
    ),
    click.option("--fresh", is_flag=True, help="Forget what an unfinished run has measured.  [board]"),
)


def bench_options(command: F) -> F:
    """Add the options to a command, which gets them as ``bench``: a ``Bench``, or None without ``--port``."""

    @wraps(command)
    def gathered(*args: Any, **options: Any) -> Any:
        given = {name: options.pop(name) for name in _NAMES}
        return command(*args, bench=_bench(given), **options)

    decorated: Any = gathered
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _bench(given: dict[str, Any]) -> Bench | None:
    from tinybench.errors import UsageError
    from tinybench.paths import expand
    from tinybench.runners.base import MIN_WINDOW_S, Bench

    if given["port"] is None:
        alone = next((name for name, value in given.items() if value not in (None, False)), None)
        if alone is not None:
            raise UsageError(
                f"--{alone} is for a board on the desk", hint="add --port; 'tinybench boards' lists them"
            )
        return None
    return Bench(
        port=given["port"],
        baud=given["baud"],
        meter=given["meter"],
        recording=None if given["recording"] is None else expand(given["recording"], "--recording"),
        supply_v=given["supply"],
        runs=_runs(given["runs"]),
        flash=None if given["flash"] is None else expand(given["flash"], "--flash"),
        probe=given["probe"],
        engine=None if given["engine"] is None else _engine(given["engine"]),
        window_s=MIN_WINDOW_S if given["window"] is None else given["window"],
        resume=not given["fresh"],
    )


def _runs(wanted: str | None) -> tuple[RunName, ...]:
    from tinybench.errors import UnknownNameError

    if wanted is None:
        return ()
    names = [name.strip() for name in wanted.split(",")]
    for name in names:
        if name not in RUNS:
            raise UnknownNameError("run", name, RUNS)
    return tuple(run for run in RUNS if run in names)


def _engine(wanted: str) -> Engine:
    """An engine of that name, of which nothing else is known; or what a TOML file says."""
    from pydantic import ValidationError

    from tinybench.errors import ContentError
    from tinybench.paths import expand
    from tinybench.results.schema import Engine
    from tinybench.specs import first_error, read_toml

    unknown = dict.fromkeys(("version", "kernels", "kernels_version", "compiler"))
    stated = read_toml(expand(wanted, "--engine")) if wanted.endswith(".toml") else {"name": wanted}
    try:
        return Engine.model_validate(unknown | stated)
    except ValidationError as error:
        raise ContentError(f"--engine {wanted}: {first_error(error)}", hint="correct it") from None
