"""The sources that a vendor gets: CMake builds them with GCC, and what it built runs."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tinybench import specs
from tinybench.boards import messages
from tinybench.firmware.build import target
from tinybench.firmware.bundle import bundle
from tinybench.firmware.emulate import emulated
from tinybench.models.reference import load_named

SECONDS = 120
NEEDED = ("cmake", "make", "arm-none-eabi-gcc")

pytestmark = pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}")

PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(mine LANGUAGES C)
add_subdirectory(sources)
add_library(mine OBJECT port.c)
target_link_libraries(mine PRIVATE tinybench)
"""


def unpack(folder: Path, name: str) -> Path:
    for file, data in bundle(load_named("ad"), specs.task("ad"), target(name)).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
    return folder


def cmake(*arguments: str | Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("CMAKE", "CFLAGS"))}
    done = subprocess.run(
        ["cmake", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def answer(path: str, command: bytes) -> list[messages.Message]:
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    said, until = b"", time.monotonic() + SECONDS
    os.write(line, b"%" + command)  # the boot's m-ready and that of the empty command come first
    while said.count(b"m-ready\r\n") < 3:
        ready, _, _ = select.select([line], [], [], max(0.0, until - time.monotonic()))
        assert ready, said
        said += os.read(line, 65536)
    os.close(line)
    return [messages.parse(text) for text in said.decode().split("\r\n")]


def test_an_emulated_board(tmp_path: Path) -> None:
    sources = unpack(tmp_path / "sources", "mps2-an386")
    cmake("-S", sources, "-B", tmp_path / "build", "-G", "Unix Makefiles",
          "-DCMAKE_TOOLCHAIN_FILE=cmake/arm-none-eabi.cmake")  # fmt: skip
    cmake("--build", tmp_path / "build", "-j", "2")
    with pytest.MonkeyPatch.context() as patch:
        if shutil.which("qemu-system-arm") is None:
            pytest.skip("QEMU is not installed; the sources were built")
        patch.chdir(tmp_path)
        with emulated(Path("build/firmware.elf")) as machine:
            said = answer(machine.serial, b"profile%")
    assert messages.Model("ad01") in said
    (about,) = (message.text for message in said if isinstance(message, messages.Info))
    flags = "-mcpu=cortex-m4 -mthumb -mfloat-abi=soft -O2 -std=c11"
    assert re.search(rf";compiler=GCC \d+\.\d.*;flags={flags} ", about)


def test_a_library_in_a_project_of_ones_own(tmp_path: Path) -> None:
    sources = unpack(tmp_path / "sources", "generic")
    template = (sources / "harness/ports/generic/port.c").read_text()
    filled = "".join(line for line in template.splitlines(True) if not line.startswith("#error"))
    (tmp_path / "port.c").write_text(re.sub(r'"\.\./\.\./(\w+\.h)"', r'"\1"', filled))
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    cmake("-S", tmp_path, "-B", tmp_path / "build", "-G", "Unix Makefiles", "-DTINYBENCH_DEVICE=my-board",
          "-DTINYBENCH_CPU=cortex-m0plus", "-DTINYBENCH_FREESTANDING=ON",
          f"-DCMAKE_TOOLCHAIN_FILE={sources}/cmake/arm-none-eabi.cmake")  # fmt: skip
    cmake("--build", tmp_path / "build", "-j", "2")
    library = (tmp_path / "build/sources/libtinybench.a").read_bytes()
    assert b"m-name-dut-[tinybench my-board]" in library
    assert b"-mcpu=cortex-m0plus" in library
