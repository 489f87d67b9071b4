"""Whether the board on the desk is the one that is to be measured, with the model and task that are meant."""

from __future__ import annotations

import hashlib
from typing import Final

from tinybench import specs
from tinybench.boards.own_firmware import ENGINE, named_device, told_by
from tinybench.errors import BoardError
from tinybench.results.schema import Engine
from tinybench.runners.board.run import Run

UNKNOWN_ENGINE: Final = "not stated"
"""Name of an engine that neither the firmware nor the user tells."""

_PROFILE: Final = "firmware says the id of a device profile: 'tinybench list devices' shows them"


def identify(run: Run) -> Engine:
    """Compare what the board says of itself with what is to be measured; gives its engine.

    Raises:
        BoardError: it is another board, another task or another model.
    """
    identity, workload, port = run.desk.identity, run.workload, run.bench.port
    serial = workload.task.serial
    if serial is not None and identity.model is not None and identity.model != serial.model:
        raise BoardError(
            f"{port}: the board runs {identity.model}, but task '{workload.task.id}' is {serial.model}",
            hint="write the firmware of this task to it, or name another task",
        )
    named = named_device(identity.name)
    if named is not None and named != workload.device.id:
        raise BoardError(
            f"{port}: the firmware is that of {named}, not of {workload.device.id}",
            hint=f"leave --device away, or say --device {named}" if named in specs.devices() else _PROFILE,
        )
    told = told_by(identity.remarks)
    wanted = workload.model.sha256[:16]
    if told.get("model", wanted) != wanted:
        raise BoardError(
            f"{port}: the model in the firmware is {told['model']}, not {wanted} ({workload.model.name})",
            hint="give the .tflite that it was built with as --model, or build the firmware again",
        )
    _same_as_before(run)
    return _engine(run, told)


def _same_as_before(run: Run) -> None:
    """An unfinished run goes on only on a board that says the same of itself, and with no other firmware."""
    identity, path = run.desk.identity, run.bench.flash
    facts = {"name": identity.name, "remarks": list(identity.remarks)}
    # Without --flash, what was written before is still there.
    flashed = None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
    known = run.session.records("board").get(0)
    if known is None:
        run.session.keep("board", 0, **facts, flashed=flashed)
    elif (flashed is not None and flashed != known.get("flashed")) or any(
        known.get(key) != value for key, value in facts.items()
    ):
        raise BoardError(
            f"{run.bench.port}: the unfinished run was on '{known.get('name')}', with other firmware",
            hint="plug that board in, or begin anew with --fresh",
        )


def _engine(run: Run, told: dict[str, str]) -> Engine:
    if run.bench.engine is not None:
        return run.bench.engine
    if not told:
        return Engine(name=UNKNOWN_ENGINE, version=None, kernels=None, kernels_version=None, compiler=None)
    kernels, _, version = told.get("kernels", "").rpartition(" ")
    return Engine(
        name=ENGINE,
        version=told.get("version") or None,
        kernels=kernels or None,
        kernels_version=version or None,
        compiler=told.get("compiler") or None,
        flags=tuple(told.get("flags", "").split()),
    )
