"""The compilers that can build the firmware, as data behind one protocol.

``zig`` comes with the package and gives the same bytes on every host: figures are made with it unless
somebody asks otherwise. ``gcc`` is the GNU Arm toolchain, which most vendors of boards ship; it has to be
installed.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from tinybench.errors import ToolchainError, UnknownNameError

DEFAULT: Final = "zig"

_COMMON = ("-g0", "-std=c11")
_SECTIONS = ("-ffunction-sections", "-fdata-sections")


class Compiler(Protocol):
    """A C compiler for Cortex-M cores, driven by options that GCC and clang share."""

    @property
    def name(self) -> str:
        """What ``--toolchain`` takes."""
        ...

    def label(self) -> str:
        """Program and version, as a result names them: ``zig cc 0.17.0``.

        Raises:
            ToolchainError: it is not installed.
        """
        ...

    def flags(self, core: str) -> tuple[str, ...]:
        """Code generation for a core such as ``cortex-m4``: all that belongs into a result."""
        ...

    def arguments(self, flags: Sequence[str], rest: Sequence[str]) -> tuple[str, ...]:
        """The whole command line after the program: flags, and what ``rest`` compiles and links."""
        ...

    def program(self) -> str:
        """Path of the executable.

        Raises:
            ToolchainError: it is not installed.
        """
        ...

    def environment(self, scratch: Path) -> dict[str, str]:
        """All variables it runs with; what it wants to keep goes into ``scratch``."""
        ...


@dataclass(frozen=True)
class Zig:
    """``zig cc`` (clang) of the package ``ziglang``."""

    name: str = "zig"

    # LLVM leaves the DSP extension of the Cortex-M33 out unless told; all devices here have it.
    _EXTRAS = MappingProxyType({"cortex-m33": "+dsp"})

    def label(self) -> str:
        """See ``Compiler``."""
        return f"zig cc {version('ziglang')}"

    def flags(self, core: str) -> tuple[str, ...]:
        """See ``Compiler``."""
        if not core.startswith("cortex-m"):
            raise ToolchainError(f"zig has no flags for {core}", hint="use a device with another core")
        # No floating point: the int8 kernels need none, and the FPU's state stays out of the simulation.
        cpu = f"{core.replace('-', '_')}{self._EXTRAS.get(core, '')}+soft_float"
        target = ("-target", "thumb-freestanding-eabi", f"-mcpu={cpu}")
        return (*target, "-O3", *_COMMON, "-fno-sanitize=all", *_SECTIONS)

    def arguments(self, flags: Sequence[str], rest: Sequence[str]) -> tuple[str, ...]:
        """See ``Compiler``."""
        return ("cc", *flags, *rest)

    def program(self) -> str:
        """See ``Compiler``."""
        spec = importlib.util.find_spec("ziglang")
        if spec is None or spec.origin is None:
            raise ToolchainError(
                "the compiler package 'ziglang' is not installed", hint="pip install tinybench-suite"
            )
        return str(Path(spec.origin).parent / "zig")

    def environment(self, scratch: Path) -> dict[str, str]:
        """Its own cache must not hold absolute paths of an earlier folder: it lives as long as the build."""
        return {
            "ZIG_GLOBAL_CACHE_DIR": str(scratch),
            "ZIG_LOCAL_CACHE_DIR": str(scratch),
            "PATH": os.environ.get("PATH", ""),
        }


@dataclass(frozen=True)
class Gcc:
    """``arm-none-eabi-gcc`` of this machine, without its C library.

    ``level`` is -O2 by default, as in most published MLPerf Tiny results that name their flags.
    """

    level: str = "-O2"
    name: str = "gcc"

    def label(self) -> str:
        """See ``Compiler``."""
        return f"{_GCC} {_gcc_version(self.program())}"

    def flags(self, core: str) -> tuple[str, ...]:
        """See ``Compiler``; GCC calls the cores as Arm does, and refuses what it does not know."""
        # Freestanding: its own <stdint.h>, so that no C library needs to be installed.
        return (
            f"-mcpu={core}",
            "-mthumb",
            "-mfloat-abi=soft",
            self.level,
            *_COMMON,
            "-ffreestanding",
            *_SECTIONS,
        )

    def arguments(self, flags: Sequence[str], rest: Sequence[str]) -> tuple[str, ...]:
        """See ``Compiler``; 64-bit division comes from libgcc, which must follow what uses it."""
        return (*flags, *rest, "-lgcc")

    def program(self) -> str:
        """See ``Compiler``."""
        found = shutil.which(_GCC)
        if found is None:
            raise ToolchainError(
                f"{_GCC} is not installed",
                hint="install the package gcc-arm-none-eabi (Debian, Ubuntu), or use --toolchain zig",
            )
        return found

    def environment(self, scratch: Path) -> dict[str, str]:
        """In the C locale its messages are the ones that are looked for."""
        return {"TMPDIR": str(scratch), "PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}


_GCC: Final = "arm-none-eabi-gcc"


@cache
def _gcc_version(program: str) -> str:
    try:
        done = subprocess.run(
            [program, "-dumpfullversion"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolchainError(f"{program} does not run: {error}", hint="reinstall it") from None
    found = done.stdout.strip()
    if not re.fullmatch(r"\d+(\.\d+)+", found):
        raise ToolchainError(f"{program} says its version is '{found}'", hint="reinstall it")
    return found


ZIG: Final = Zig()

COMPILERS: Final[Mapping[str, Compiler]] = MappingProxyType({"zig": ZIG, "gcc": Gcc()})


def compiler(name: str) -> Compiler:
    """The compiler that ``--toolchain`` calls ``name``.

    Raises:
        UnknownNameError: there is none; the hint lists those that exist.
    """
    try:
        return COMPILERS[name]
    except KeyError:
        raise UnknownNameError("toolchain", name, COMPILERS) from None
