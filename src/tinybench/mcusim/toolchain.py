"""Compile the generated firmware, cached by content.

With the default compiler, the packaged clang (``zig cc``), everything that goes in is pinned and every path
is relative, so that the same program gives the same ELF bytes on every host and in every folder.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from tinybench import content
from tinybench.cache import cache_dir, keep, kept
from tinybench.errors import CapacityError, ToolchainError
from tinybench.mcusim.compilers import ZIG, Compiler
from tinybench.mcusim.lower import Program
from tinybench.mcusim.placement import FLASH, Placement
from tinybench.specs import DeviceSpec

_INCLUDES = ("-Ifirmware/include", "-Icmsis_nn/Include", "-Icmsis_core/Include")
_LINK = ("-Wl,--gc-sections", "-Wl,--entry=reset_handler")
_HOST_FLAGS = ("-O3", "-g0", "-std=c11", "-fno-sanitize=all", "-fPIC", "-shared", "-nostdlib")
_TIMEOUT_S = 300
_TELLING = re.compile("error|undefined reference|multiple definition")

STARTUP = "firmware/support/startup.c"
SEMIHOSTING = "firmware/support/semihosting.c"
_MAINS = (STARTUP, SEMIHOSTING)
"""What can run the model; exactly one is linked."""
_HARNESS = "firmware/harness/"


@dataclass(frozen=True)
class Firmware:
    """A linked ELF and how it was made."""

    elf: bytes
    compiler: str
    flags: tuple[str, ...]
    kernels_version: str

    @property
    def sha256(self) -> str:
        """Of the ELF file."""
        return hashlib.sha256(self.elf).hexdigest()


def build_firmware(
    program: Program,
    device: DeviceSpec,
    compiler: Compiler = ZIG,
    *,
    main: str = STARTUP,
    harness: Mapping[str, bytes] = MappingProxyType({}),
    placement: Placement = FLASH,
) -> Firmware:
    """Compile and link a program for a device; ``main`` is the source that runs it.

    ``harness`` holds more sources by path, if ``main`` is one of them or needs them.

    Raises:
        UsageError: the profile says nothing of the device's memories.
        CapacityError: it does not fit flash or RAM.
        ToolchainError: the compiler is missing, failed or ran too long; its first message is quoted.
    """
    sources = {
        **model_sources(program),
        **harness,
        "memory.ld": memory_script(device, placement).encode(),
    }
    if main in _MAINS:
        sources[main] = (content.root() / "runners" / main).read_bytes()
    units = sorted(name for name in sources if name.endswith(".c"))
    flags = compiler.flags(device.core)
    script = "cortex-m-ram.ld" if placement.in_ram else "cortex-m.ld"
    link = ("-nostdlib", "-L.", f"-Tfirmware/{script}", *_LINK)
    command = compiler.arguments(flags, (*_INCLUDES, *link, *units))
    elf = _build("firmware", sources, compiler, command, "firmware.elf", placement).read_bytes()
    return Firmware(elf, compiler.label(), flags, cmsis_nn_version())


def model_sources(program: Program) -> dict[str, bytes]:
    """All that runs a model, by path: its C, kernels, what they need, linker scripts; no main program."""
    tree = {f"firmware/{name}": data for name, data in _tree(content.firmware_dir())}
    return {
        "model.c": program.source.encode(),
        **{name: tree[name] for name in tree if name not in _MAINS and not name.startswith(_HARNESS)},
        **_cmsis_nn(),
    }


def harness_sources() -> dict[str, bytes]:
    """What speaks the serial protocol of boards, by path, with all its ports."""
    return {f"{_HARNESS}{name}": data for name, data in _tree(content.firmware_dir() / "harness")}


def build_host_library(source: str) -> Path:
    """Compile one C file of this package into a shared library for this host; gives its path."""
    machine = platform.machine()
    arch = {"AMD64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if sys.platform != "linux":
        raise ToolchainError(f"the simulator does not run on {sys.platform} yet", hint="use Linux")
    # musl without a library: nothing of the host's C library is linked or needed.
    command = ("cc", "-target", f"{arch}-linux-musl", *_HOST_FLAGS, "counter.c")
    return _build("host", {"counter.c": source.encode()}, ZIG, command, "counter.so")


def compile_probe(compiler: Compiler, core: str) -> None:
    """Compile a function for a core, with the flags of the firmware; nothing is kept.

    Raises:
        ToolchainError: the compiler is missing, failed or ran too long.
    """
    with tempfile.TemporaryDirectory(prefix="tinybench-") as scratch:
        folder = Path(scratch)
        (folder / "probe.c").write_text("int twice(int x) { return 2 * x; }\n")
        command = compiler.arguments(compiler.flags(core), ("-c", "probe.c"))
        _compile(compiler, (*command, "-o", "probe.o"), folder)


def cmsis_nn_version() -> str:
    """Version of the packaged CMSIS-NN source."""
    from bakenn.backend.cmsis_nn.bundle import CMSIS_NN_VERSION

    return str(CMSIS_NN_VERSION)


def memory_script(device: DeviceSpec, placement: Placement = FLASH) -> str:
    """What the linker scripts include as ``memory.ld``: where flash and RAM are."""
    regions = zip(("FLASH (rx)", "RAM (rwx)"), device.memories, strict=True)
    lines = [f"    {name} : ORIGIN = {region.base:#x}, LENGTH = {region.bytes}" for name, region in regions]
    memory = "MEMORY\n{\n" + "\n".join(lines) + "\n}\n"
    if not placement.in_ram:
        return memory
    aliases = (("CODE", placement.code), ("CONSTANTS", placement.weights))
    memory += "".join(f'REGION_ALIAS("{alias}", {region.upper()})\n' for alias, region in aliases)
    return memory + ("INCLUDE firmware/copying.ld\n" if placement.code == "ram" else "")


def _tree(folder: Path | Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            yield from _tree(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".c", ".h", ".ld")):
            yield prefix + entry.name, entry.read_bytes()


@cache
def _cmsis_nn() -> Mapping[str, bytes]:
    """The CMSIS-NN source closure and CMSIS core headers that the package ``bakenn`` carries.

    Its memory shim is left out: with it, the kernels' 4-byte memcpy would become calls of byte loops.
    """
    vendor = files("bakenn.backend.cmsis_nn.vendor")
    return {name: data for name, data in _tree(vendor) if not name.endswith("bakenn_cmsis_memory.c")}


def _key(sources: Mapping[str, bytes], compiler: Compiler, command: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for part in (compiler.label(), *command):
        digest.update(part.encode() + b"\0")
    for name, data in sorted(sources.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return digest.hexdigest()[:32]


def _build(
    kind: str,
    sources: Mapping[str, bytes],
    compiler: Compiler,
    command: Sequence[str],
    output: str,
    placement: Placement = FLASH,
) -> Path:
    """Run the compiler in a scratch folder and keep its output under the content's key; gives its path."""
    place = cache_dir() / kind / _key(sources, compiler, command) / output
    if kept(place) is not None:
        return place
    try:
        with tempfile.TemporaryDirectory(prefix="tinybench-") as scratch:
            folder = Path(scratch)
            for name, data in sources.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
            _compile(compiler, (*command, "-o", output), folder, placement)
            data = (folder / output).read_bytes()
    except OSError as error:
        raise ToolchainError(
            f"cannot compile in {tempfile.gettempdir()}: {error.strerror}", hint="free the disk or set TMPDIR"
        ) from None
    keep(place, data)
    return place


def _compile(
    compiler: Compiler, arguments: Sequence[str], folder: Path, placement: Placement = FLASH
) -> None:
    program = compiler.program()
    scratch = folder / "scratch"
    scratch.mkdir()
    try:
        done = subprocess.run(
            [program, *arguments],
            cwd=folder,
            env=compiler.environment(scratch),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolchainError(
            f"the compiler ran for over {_TIMEOUT_S} s", hint="try again on an idle machine"
        ) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    overflows = re.findall(r"region [`'](FLASH|RAM)'\S* overflowed by (\d+) bytes", done.stderr)
    if overflows:  # one for each section that does not fit, the later the larger
        region, missing = max(overflows, key=lambda overflow: int(overflow[1]))
        raise CapacityError(
            f"the firmware needs {missing} bytes more of {region} than the device has",
            hint=placement.smaller,
        )
    if done.returncode != 0:
        lines = (
            [line for line in done.stderr.splitlines() if _TELLING.search(line)]
            or done.stderr.splitlines()
            or ["?"]
        )
        raise ToolchainError(f"the compiler failed: {lines[0].strip()}", hint="run 'tinybench doctor'")
