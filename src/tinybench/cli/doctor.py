"""Check that this machine can measure, and say what to fix."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Container, Iterator
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires
from typing import TYPE_CHECKING, Any

import click

from tinybench.cli import _desk, _npu
from tinybench.cli._finding import Finding
from tinybench.extras import DISTRIBUTION

if TYPE_CHECKING:
    from tinybench.specs import ModelSpec

MINIMUM_PYTHON = (3, 11)
MINIMUM_FREE_BYTES = 1 << 30
"""Room for the compiler's cache, firmware and one official data set unpacked."""


def python() -> Iterator[Finding]:
    """The interpreter is one that the suite is tested with."""
    found = platform.python_version()
    if sys.version_info < MINIMUM_PYTHON:  # pragma: no cover - cannot be imported there
        yield Finding("python", "fail", found, "install Python 3.11 or newer")
        return
    where = f"{platform.system()} {platform.machine()}"
    if where == "Linux x86_64":
        yield Finding("python", "ok", f"{found} on {where}")
    else:
        yield Finding("python", "warn", f"{found} on {where}", "only Linux on x86-64 is tested")


def packages() -> Iterator[Finding]:
    """Every dependency is installed, in a version that the suite accepts."""
    from tinybench.results.record import installed_version

    try:
        wanted = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        yield Finding("packages", "warn", f"{DISTRIBUTION} is not installed", "pip install -e .")
        return
    good = []
    for line in wanted:
        parsed = re.fullmatch(r"([A-Za-z0-9._-]+)\s*(==|>=)\s*([^\s;,]+)", line)
        if parsed is None:  # an extra, or with a marker
            continue
        name, relation, version = parsed.groups()
        found = installed_version(name)
        fix = f"pip install '{name}{relation}{version}'"
        if found is None:
            yield Finding(f"package {name}", "fail", "not installed", fix)
        elif relation == "==" and found != version:
            yield Finding(f"package {name}", "fail", f"{found}, but figures need exactly {version}", fix)
        elif relation == ">=" and _release(found) < _release(version):
            yield Finding(f"package {name}", "fail", f"{found} is older than {version}", fix)
        else:
            good.append(f"{name} {found}")
    yield Finding("packages", "ok", ", ".join(good))


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def compiler() -> Iterator[Finding]:
    """The compiler makes Thumb code."""
    from tinybench.errors import TinybenchError
    from tinybench.mcusim.compilers import ZIG
    from tinybench.mcusim.toolchain import compile_probe

    try:
        compile_probe(ZIG, "cortex-m4")
    except (TinybenchError, OSError) as error:
        yield Finding("compiler", "fail", str(error), "pip install --force-reinstall ziglang")
        return
    yield Finding("compiler", "ok", f"{ZIG.label()} makes Cortex-M4 code")


def emulator() -> Iterator[Finding]:
    """The emulator executes Thumb code."""
    try:
        unicorn: Any = import_module("unicorn")
        core = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        core.mem_map(0x1000, 0x1000)
        core.mem_write(0x1000, bytes.fromhex("2a204000"))  # movs r0, #42; lsls r0, r0, #1
        core.emu_start(0x1000 | 1, 0x1004)
        got = core.reg_read(import_module("unicorn.arm_const").UC_ARM_REG_R0)
    except (ImportError, OSError, AttributeError) as error:
        yield Finding("emulator", "fail", str(error), "pip install --force-reinstall unicorn")
        return
    if got != 84:
        fix = "pip install --force-reinstall unicorn"
        yield Finding("emulator", "fail", f"a Thumb program gave {got}, not 84", fix)
    else:
        yield Finding("emulator", "ok", "unicorn executes Cortex-M code")


def interpreter() -> Iterator[Finding]:
    """The TFLite Micro interpreter can be imported."""
    try:
        from tflite_micro.python.tflite_micro import runtime  # noqa: F401
    except (ImportError, OSError) as error:
        yield Finding("interpreter", "fail", str(error), "pip install --force-reinstall tflite-micro")
    else:
        yield Finding("interpreter", "ok", "tflite-micro can be imported")


def cache() -> Iterator[Finding]:
    """The cache folder can be written, or made, and has room."""
    from tinybench.cache import cache_dir
    from tinybench.quantities import size

    folder = cache_dir()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"\0" * 4096)
        free = shutil.disk_usage(existing).free
    except OSError as error:
        fix = "set TINYBENCH_CACHE to a folder you can write"
        yield Finding("cache", "fail", f"{folder}: {error.strerror}", fix)
        return
    yield Finding("cache", "ok", f"{folder} can be {'written' if existing == folder else 'made'}")
    if free < MINIMUM_FREE_BYTES:
        yield Finding("disk", "warn", f"{size(free)} free", "free some space, or set TINYBENCH_CACHE")
    else:
        yield Finding("disk", "ok", f"{size(free)} free")


def cached_firmware() -> Iterator[Finding]:
    """What was compiled before is still what was compiled."""
    from tinybench.cache import cached_outputs

    outputs = cached_outputs()
    damaged = [path for path, good in outputs.items() if not good]
    if damaged:
        detail = f"{len(damaged)} of {len(outputs)} files are damaged, such as {damaged[0]}"
        yield Finding("cached firmware", "warn", detail, "nothing: it is compiled again when it is needed")
    elif outputs:
        yield Finding("cached firmware", "ok", f"{len(outputs)} files, as they were compiled")


def content() -> Iterator[Finding]:
    """Every content file is valid and refers to things that exist."""
    from tinybench import specs
    from tinybench.errors import TinybenchError

    try:
        tasks, models, devices = specs.tasks(), specs.models(), specs.devices()
        for task in tasks.values():
            _known(f"task {task.id}: reference_model", task.reference_model, models)
            _known(f"task {task.id}: default_device", task.default_device, devices)
        for model in models.values():
            _known(f"model {model.id}: task", model.task, tasks)
            _unchanged(model)
        for device in devices.values():
            if device.npu is not None:
                _known(f"device {device.id}: npu.host", device.npu.host.value, devices)
    except TinybenchError as error:
        yield Finding("content", "fail", error.message, error.hint or "")
        return
    counts = f"{len(tasks)} tasks, {len(models)} models, {len(devices)} devices"
    if not (tasks and models and devices):
        yield Finding("content", "fail", counts, f"reinstall {DISTRIBUTION}: its content folders are missing")
    else:
        yield Finding("content", "ok", counts)


def plugins() -> Iterator[Finding]:
    """Every runner, power analyser, task and content plug-in can be used; there is a runner."""
    from tinybench.content import PLUGINS as CONTENT
    from tinybench.datasets.registry import PLUGINS as FRONT_ENDS
    from tinybench.meters.registry import PLUGINS as METERS
    from tinybench.runners.registry import PLUGINS as RUNNERS

    names = list(RUNNERS.all())
    if names:
        yield Finding("runners", "ok", ", ".join(names))
    else:
        yield Finding("runners", "fail", "there is no runner", f"reinstall {DISTRIBUTION}")
    for kind in (RUNNERS, METERS, FRONT_ENDS, CONTENT):
        for name, error in kind.broken().items():
            yield Finding(f"{kind.kind} {name}", "fail", error.message, error.hint or "")


def _unchanged(model: ModelSpec) -> None:
    from tinybench.errors import ContentError

    if model.download is None:
        hint = f"restore the file, or reinstall {DISTRIBUTION}"
    elif model.is_here:
        hint = f"remove it, then tinybench models fetch {model.id}"
    else:
        return  # not fetched yet, which is nobody's fault
    if not model.path.is_file():
        raise ContentError(f"model {model.id}: {model.path} is missing", hint=hint)
    if hashlib.sha256(model.path.read_bytes()).hexdigest() != model.sha256:
        raise ContentError(
            f"model {model.id}: the SHA-256 of {model.path} is not the recorded one", hint=hint
        )


def _known(where: str, name: str, known: Container[str]) -> None:
    from tinybench.errors import ContentError

    if name not in known:
        raise ContentError(f"{where}: '{name}' does not exist", hint="correct the file")


def data() -> Iterator[Finding]:
    """The official data of each task is on this machine."""
    from tinybench import specs
    from tinybench.errors import TinybenchError

    try:
        from tinybench.datasets.splits import default_split

        for task in specs.tasks().values():
            split = default_split(task)
            if split == "official":
                yield Finding(f"data {task.id}", "ok", "the official split is here")
            else:
                fix = f"tinybench data fetch {task.id}"
                yield Finding(f"data {task.id}", "warn", f"no official data, only the {split} split", fix)
    except TinybenchError as error:
        yield Finding("data", "fail", error.message, error.hint or "")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python,
    packages,
    compiler,
    emulator,
    interpreter,
    cache,
    cached_firmware,
    content,
    plugins,
    data,
    _npu.compiler,
    *_desk.CHECKS,
)


def examine() -> list[Finding]:
    """Run all checks. A check that breaks is itself a finding."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings.extend(check())
        except Exception as error:
            if os.environ.get("TINYBENCH_DEBUG") == "1":
                raise
            what = f"{type(error).__name__}: {error}"
            findings.append(Finding(check.__name__, "fail", what, "set TINYBENCH_DEBUG=1 for the traceback"))
    return findings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def command(as_json: bool) -> None:
    """Check that this machine can measure, and say what to fix.

    Exit code 1 if a check fails; warnings do not count.
    """
    from tinybench.cli._console import echo_json, plain

    findings = examine()
    if as_json:
        echo_json([asdict(finding) for finding in findings])
    else:
        colours = {"ok": "green", "warn": "yellow", "fail": "red"}
        for finding in findings:
            status = click.style(f"{finding.status:4}", fg=colours[finding.status])
            click.echo(f"{status}  {plain(finding.check)}: {plain(finding.detail)}")
            if finding.fix:
                click.echo(f"      fix: {plain(finding.fix)}")
    if any(finding.status == "fail" for finding in findings):
        raise click.exceptions.Exit(1)
