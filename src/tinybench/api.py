"""What ``tinybench.run`` does. The library never prints; the command line does."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tinybench import content, defaults, specs
from tinybench.errors import ModelError, UnknownNameError, UsageError
from tinybench.mcusim import compilers
from tinybench.mcusim.placement import FLASH, Placement
from tinybench.offline import no_network
from tinybench.paths import expand
from tinybench.progress import Progress, silent
from tinybench.results import store
from tinybench.results.record import record
from tinybench.runners import registry
from tinybench.runners.base import Setup, Workload

if TYPE_CHECKING:
    from pathlib import Path

    from tinybench.datasets.base import Samples
    from tinybench.models import Model
    from tinybench.results.schema import Result
    from tinybench.runners.base import Bench, Runner, RunsOn
    from tinybench.specs import TaskSpec

_WHERE: Final[dict[RunsOn, str]] = {
    "host": "runs on this machine",
    "simulator": "simulates a device",
    "board": "measures a board",
}


def run(
    task: str,
    runner: str = defaults.RUNNER,
    *,
    device: str | None = None,
    clock_hz: int | None = None,
    model: str | os.PathLike[str] | None = None,
    split: str | None = None,
    data: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    samples: int = defaults.CHECKED_INPUTS,
    toolchain: str = compilers.DEFAULT,
    code: str = FLASH.code,
    weights: str = FLASH.weights,
    bench: Bench | None = None,
    output: str | os.PathLike[str] | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Measure a model on a device.

    Args:
        task: id of the task, such as ``"kws"``.
        runner: how to execute and measure.
        device: id of the device. If not given: for a board what its firmware says, else the task's default.
        clock_hz: core clock in hertz; that of the device's profile if not given.
        model: id of a reference model, or path of a .tflite file; the task's reference model if not given.
        split: ``"official"``, ``"smoke"``, ``"golden"`` or another that the task names. If not given:
            official if its data is present, else smoke where the task has it, else golden vectors, which
            prove the arithmetic but have no labels, so that the accuracy is unavailable.
        data: folder of labelled data of your own, laid out as the task card says: the split ``custom``,
            never publishable.
        limit: classify only that many samples, balanced over the labels; never publishable.
        samples: how many inputs the simulated core executes and compares bit for bit: at least 8, at most
            those of the split; where there are fewer than 8, random ones are added.
        toolchain: what compiles the firmware, ``"zig"`` or ``"gcc"``; zig gives the same bytes everywhere.
        code: where the firmware runs, ``"flash"`` or ``"ram"``: then the start-up code copies it there.
        weights: where weights and other constants are, ``"flash"`` or ``"ram"``.
        bench: the board on the desk and what measures its power, for the runner ``"board"``.
        output: folder, or path of a .json file, for result and evidence; if not given, nothing is written.
        offline: refuse every use of the network by this process until the run is over. The runners here
            need none, and measuring never downloads anything by itself either way.
        progress: called as ``progress(step, done, total)``.

    Returns:
        The result; ``result.path`` is where it was written.

    Raises:
        TinybenchError: with one clear line, a hint and an exit code.
    """
    with no_network(offline):
        return _run(
            task,
            runner,
            device=device,
            clock_hz=clock_hz,
            model=model,
            split=split,
            data=data,
            limit=limit,
            samples=samples,
            toolchain=toolchain,
            placement=Placement.parse(code=code, weights=weights),
            bench=bench,
            output=output,
            report=progress or silent,
        )


def _run(
    task: str,
    runner: str,
    *,
    device: str | None,
    clock_hz: int | None,
    model: str | os.PathLike[str] | None,
    split: str | None,
    data: str | os.PathLike[str] | None,
    limit: int | None,
    samples: int,
    toolchain: str,
    placement: Placement,
    bench: Bench | None,
    output: str | os.PathLike[str] | None,
    report: Progress,
) -> Result:
    for name, value in (("limit", limit), ("samples", samples)):
        if value is not None and value < 1:
            raise UsageError(f"{name} must be at least 1, not {value}")
    task_spec = specs.task(task)
    engine = registry.runner(runner)
    setup = Setup(toolchain=toolchain, placement=placement, bench=bench)
    _check_options(engine, setup, device, clock_hz)
    device_spec = specs.device(device or _default_device(task_spec, bench))
    if clock_hz is not None:
        device_spec = device_spec.at_clock(clock_hz)
    chosen = _choose_split(task_spec, split, data)
    # A run can take minutes: whatever can be found wrong is found before it.
    engine.check(setup)
    engine.check_device(device_spec)
    placement.check(device_spec)
    if bench is not None and bench.flash is not None:
        from tinybench.boards import flashing

        flashing.check(bench.flash, device_spec)
    destination = None if output is None else store.Destination.parse(output)
    if destination is not None:
        destination.check()
    model_name, loaded = _load_model(task_spec, model)
    _check_shapes(task_spec, loaded)
    folder = None if data is None else expand(data, "--data")
    taken, notes = _load_samples(task_spec, loaded, chosen, folder, limit, report)
    workload = Workload(
        task=task_spec,
        model=loaded,
        device=device_spec,
        samples=taken,
        setup=replace(setup, checked_inputs=min(samples, len(taken.inferences))),
    )
    measurement = engine.measure(workload, report)
    result = record(
        workload,
        measurement,
        runner=runner,
        model_name=model_name,
        limit=limit,
        notes=notes,
        plugins=_packages(runner, bench, task, model_name, device_spec.id),
    )
    if destination is not None:
        result = store.write(result, measurement.evidence, destination)
    measurement.written()
    return result


def _packages(runner: str, bench: Bench | None, task: str, model: str, device: str) -> dict[str, str]:
    """Packages of the plug-ins that took part, and their versions."""
    from tinybench.datasets.registry import PLUGINS as FRONT_ENDS
    from tinybench.meters.registry import PLUGINS as METERS

    meter = "" if bench is None or bench.meter is None else bench.meter.partition(":")[0]
    named = ((registry.PLUGINS, runner), (FRONT_ENDS, task), (METERS, meter))
    code = dict(found for plugins, name in named if (found := plugins.package(name)) is not None)
    places = (f"tasks/{task}", f"reference_models/{model}", f"runners/devices/{device}.toml")
    return code | content.packages(*places)


def _check_options(engine: Runner, setup: Setup, device: str | None, clock_hz: int | None) -> None:
    """Refuse what does not apply where the runner executes the model."""
    name, where = engine.name, _WHERE[engine.runs_on]
    if engine.runs_on == "host" and not (device is None and clock_hz is None):
        raise UsageError(
            f"the runner '{name}' {where} and takes no device and no clock",
            hint="leave --device and --clock away, or use another runner",
        )
    if engine.runs_on != "simulator" and setup.placement.in_ram:
        raise UsageError(
            f"the runner '{name}' {where}, where it copies nothing from flash to RAM",
            hint="leave --code and --weights away, or use another runner",
        )
    if engine.runs_on == "board" and setup.bench is None:
        raise UsageError(
            f"the runner '{name}' {where}: say where the board is",
            hint="add --port, such as --port /dev/ttyACM0; 'tinybench boards' lists what is plugged in",
        )
    if engine.runs_on != "board" and setup.bench is not None:
        raise UsageError(
            f"the runner '{name}' {where} and takes no port",
            hint="leave --port away, or add --runner board",
        )
    if setup.bench is not None and setup.bench.flash is not None and device is None:
        raise UsageError(
            "firmware is only written to a board that is named",
            hint="add --device; 'tinybench list devices' lists them",
        )


def _default_device(task: TaskSpec, bench: Bench | None) -> str:
    """What the firmware of the board says it is for; without a board, the device that the task names."""
    if bench is None:
        return task.default_device
    from tinybench.boards.desk import recognised

    return recognised(bench)


def _load_model(task: TaskSpec, wanted: str | os.PathLike[str] | None) -> tuple[str, Model]:
    from tinybench.models.reference import is_path, load_named

    named = task.reference_model if wanted is None else wanted
    if is_path(named):
        loaded = load_named(named)
        return loaded.name, loaded
    name = os.fspath(named)
    spec = specs.model(name)
    if spec.task != task.id:
        raise UsageError(
            f"model '{name}' is for task '{spec.task}', not '{task.id}'",
            hint=f"run 'tinybench run {spec.task}'",
        )
    return name, load_named(name)


def _check_shapes(task: TaskSpec, model: Model) -> None:
    for kind, tensor, expected in (
        ("input", model.input, task.input_shape),
        ("output", model.output, task.output_shape),
    ):
        if tuple(tensor.shape) != (1, *expected):
            raise ModelError(
                f"{model.path}: {kind} shape is {_shape(tensor.shape)}, "
                f"but task '{task.id}' needs {_shape((1, *expected))}",
                hint=f"'tinybench list tasks' shows shapes; is this a model for '{task.id}'?",
            )
        if str(tensor.dtype).lower() != "int8":
            raise ModelError(
                f"{model.path}: {kind} is {str(tensor.dtype).lower()}, but tinybench measures int8 models",
                hint="convert it with full integer quantisation: int8 input and int8 output",
            )


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in shape)


def _choose_split(task: TaskSpec, split: str | None, data: str | os.PathLike[str] | None) -> str:
    from tinybench.datasets.splits import CUSTOM, default_split, split_names

    if data is not None:
        if split not in (None, CUSTOM):
            raise UsageError(
                f"a folder of your own data is the split '{CUSTOM}', not '{split}'",
                hint="give either a split or a folder",
            )
        return CUSTOM
    if split is None:
        return default_split(task)
    if split == CUSTOM:
        raise UsageError("the split 'custom' needs a folder of your own data", hint="give it with --data DIR")
    if split not in split_names(task):
        raise UnknownNameError("split", split, split_names(task))
    return split


def _load_samples(
    task: TaskSpec, model: Model, split: str, folder: Path | None, limit: int | None, progress: Progress
) -> tuple[Samples, tuple[str, ...]]:
    from tinybench.datasets import golden
    from tinybench.datasets.samples import front_end_of, load_samples
    from tinybench.datasets.splits import GOLDEN

    if split == GOLDEN:
        return golden.samples(task, model, front_end_of(task), limit), ()
    taken = load_samples(
        task,
        split,
        scale=model.input.scale,
        zero_point=model.input.zero_point,
        folder=folder,
        limit=limit,
        progress=progress,
    )
    notes = []
    if split == "smoke":
        notes.append(
            f"accuracy on the smoke split: {len(taken.names)} synthetic samples, "
            "enough to see that the chain works, not publishable"
        )
    if limit is not None:
        notes.append(f"limited to {len(taken.names)} samples; not publishable")
    return taken, tuple(notes)
