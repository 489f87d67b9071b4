"""The sources of a firmware as a folder that drops into a vendor's SDK."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from tinybench import __version__, content, specs
from tinybench.firmware.build import Target
from tinybench.firmware.configuration import PATH, Timestamps, configuration, serial_of
from tinybench.mcusim.lower import Program, lower
from tinybench.mcusim.toolchain import cmsis_nn_version, harness_sources, memory_script, model_sources
from tinybench.models import Model
from tinybench.specs import ModelSpec, TaskSpec

EXAMPLE: Final = "qemu-mps2-an386"
"""The device of the port that is a whole machine, whose memories the linker script has."""

_HOSTED: Final = ("firmware/include/string.h", "firmware/include/math.h")
_SHIM: Final = "freestanding/"
_NOT_IN_LIBRARY: Final = ("harness/ports/", _SHIM)
_FIRST_DEVICE: Final = """/* What your board is called; `name%` says it. */
/* #define TINYBENCH_DEVICE "my-board" */

"""


def bundle(model: Model, task: TaskSpec, target: Target, timestamps: Timestamps = "uart") -> dict[str, bytes]:
    """Files by path, with licences, CMake and a README that says what to do.

    The target's port is chosen where it makes a whole machine; a board's own port has still to be written.

    Raises:
        ModelError: the model is not of the task's shapes, or has an operator without a kernel.
        UsageError: the task is not measured on boards.
    """
    # With the DSP extension the scratch buffers are the larger ones: they do for any core.
    program = lower(model, dsp=True, keep_input=True)
    named = {} if target.device is None else {"DEVICE": target.device.id}
    header = configuration(model, task, timestamps, named)
    if target.device is None:
        header = _FIRST_DEVICE + header
    found = {**model_sources(program), **harness_sources(), PATH: header.encode()}
    sources = {_path(name): data for name, data in found.items()}
    del sources["link/cortex-m-ram.ld"], sources["link/copying.ld"]
    machine = target.device or specs.device(EXAMPLE)
    templates = content.firmware_dir() / "bundle"
    vendor = files("bakenn.backend.cmsis_nn.vendor")
    cmake = (templates / "CMakeLists.txt").read_text(encoding="utf-8")
    library = [
        name for name in sorted(sources) if name.endswith(".c") and not name.startswith(_NOT_IN_LIBRARY)
    ]
    listed = "\n".join(f"    {name}" for name in library)
    port = "none" if target.device is None else target.name
    readme = (templates / "README.md").read_text(encoding="utf-8")
    return {
        **sources,
        "link/memory.ld": memory_script(machine).encode(),
        "CMakeLists.txt": _filled(cmake, {"PORT": port, "SOURCES": listed}),
        "cmake/arm-none-eabi.cmake": (templates / "arm-none-eabi.cmake").read_bytes(),
        "README.md": _filled(readme, _told(model, task, program)),
        "LICENSE": content.licence().read_bytes(),
        "cmsis_nn/LICENSE.txt": (vendor / "cmsis_nn" / "LICENSE.txt").read_bytes(),
        "cmsis_nn/PROVENANCE.md": (vendor / "cmsis_nn" / "BAKENN_PROVENANCE.md").read_bytes(),
        "cmsis_core/LICENSE.txt": (vendor / "cmsis_core" / "LICENSE.txt").read_bytes(),
    }


def _path(name: str) -> str:
    """Where a source lies in the folder: what only a firmware without a C library needs is apart."""
    if name in _HOSTED or name.startswith("firmware/support/"):
        return _SHIM + name.rpartition("/")[2]
    if name.endswith(".ld"):
        return "link/" + name.rpartition("/")[2]
    return name.removeprefix("firmware/")


def _told(model: Model, task: TaskSpec, program: Program) -> dict[str, str]:
    known = reference(model)
    features = model.input.elements * 4 if serial_of(task).input == "float32" else 0
    return {
        "TITLE": task.title,
        "VERSION": __version__,
        "MODEL": known.title if known else model.name,
        "SHA256": model.sha256,
        "MODEL_LICENSE": known.license if known else "that of the model",
        "CMSIS_NN": cmsis_nn_version(),
        "ARENA": f"{program.arena.bytes:,}",
        "FLASH": f"{sum(tensor.nbytes for tensor in model.weights):,}",
        "FEATURES": f", {features:,} for the features as they came" if features else "",
    }


def reference(model: Model) -> ModelSpec | None:
    """The reference model that this is, if it is one."""
    return next((spec for spec in specs.models().values() if spec.sha256 == model.sha256), None)


def _filled(template: str, values: Mapping[str, str]) -> bytes:
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template.encode()
