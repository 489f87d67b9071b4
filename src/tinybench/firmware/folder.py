"""A firmware as a folder: sources, ELF, and the manifest, which is written last."""

from __future__ import annotations

from pathlib import Path

from tinybench.atomic import write_atomically
from tinybench.errors import OutputError, UsageError
from tinybench.firmware.build import Target, build
from tinybench.firmware.bundle import bundle
from tinybench.firmware.configuration import Timestamps
from tinybench.firmware.manifest import ELF, FILE, SOURCES, Manifest, manifest
from tinybench.mcusim.compilers import ZIG, Compiler
from tinybench.models import Model
from tinybench.specs import TaskSpec


def write(
    folder: Path,
    model: Model,
    task: TaskSpec,
    target: Target,
    timestamps: Timestamps = "uart",
    compiler: Compiler = ZIG,
) -> Manifest:
    """Build a firmware into a new folder; a target that is no device gets sources only.

    Raises:
        UsageError: the folder holds something, or the task is not measured on boards.
        ModelError: the model is not of the task's shapes, or has an operator without a kernel.
        CapacityError: it does not fit.
        ToolchainError: the compiler is missing or failed.
        OutputError: the folder cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"{folder} is there already", hint="remove it, or give another folder with --output"
            )
        sources = bundle(model, task, target, timestamps)
        built = None if target.device is None else build(model, task, target, timestamps, compiler)
        made = manifest(model, task, target, timestamps, sources, built)
        contents = {f"{SOURCES}/{name}": data for name, data in sources.items()}
        if built is not None:
            contents[ELF] = built.firmware.elf
        for name, data in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        write_atomically(folder / FILE, made.json_bytes())
    except OSError as error:
        raise OutputError(
            f"cannot write {folder}: {error.strerror}", hint="free the disk, or give another folder"
        ) from None
    return made
