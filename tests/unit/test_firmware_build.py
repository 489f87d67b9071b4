"""Firmware as a folder: what is in it, what it says of itself, and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tflite_builder import small_model
from tinybench import content, specs
from tinybench.cli import main
from tinybench.errors import (
    ModelError,
    OutputError,
    SimulationError,
    ToolchainError,
    UnknownNameError,
    UsageError,
)
from tinybench.firmware.build import TARGETS, build, target
from tinybench.firmware.bundle import bundle
from tinybench.firmware.configuration import configuration, parse_timestamps
from tinybench.firmware.emulate import emulated
from tinybench.firmware.folder import write
from tinybench.mcusim import witness
from tinybench.mcusim.compilers import Gcc
from tinybench.mcusim.lower import lower
from tinybench.models import Model
from tinybench.models.reference import load_named

TASK = specs.task("kws")
QEMU = target("mps2-an386")
GENERIC = target("generic")


@pytest.fixture(scope="module")
def kws() -> Model:
    return load_named("kws")


def test_each_target_has_a_port() -> None:
    for known in TARGETS.values():
        assert (content.root() / "runners" / known.port).is_file()
        assert known.device is None or known.device.emulated


def test_the_folder_is_what_its_manifest_says(kws: Model, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    made = write(folder, kws, TASK, QEMU)
    document = json.loads((folder / "firmware.json").read_bytes())
    assert document == made.model_dump(mode="json")
    assert made.elf is not None
    hashes = {**made.sources, made.elf.path: made.elf.sha256}
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "firmware.json"
    }
    assert found == hashes
    assert made.model.sha256 == specs.model("kws").sha256
    assert made.model.name == "kws"
    assert made.engine.compiler is not None
    assert made.engine.compiler.startswith("zig cc")
    assert made.elf.flash_bytes > sum(tensor.nbytes for tensor in kws.weights)
    assert made.elf.ram_bytes < 32 * 1024


def test_the_same_bytes_each_time(kws: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write(tmp_path / "a", kws, TASK, QEMU)
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "cache"))  # compiled anew
    assert write(tmp_path / "b", kws, TASK, QEMU) == first
    assert write(tmp_path / "c", kws, TASK, QEMU, "pin") != first


def test_sources_alone_name_no_compiler(kws: Model, tmp_path: Path) -> None:
    made = write(tmp_path / "made", kws, TASK, GENERIC)
    assert made.elf is None
    assert made.device is None
    assert made.engine.compiler is None
    assert not (tmp_path / "made/firmware.elf").exists()


@pytest.mark.parametrize("name", TARGETS)
def test_the_bundle_is_whole_and_says_so(kws: Model, name: str) -> None:
    files = bundle(kws, TASK, target(name))
    readme, cmake = files["README.md"].decode(), files["CMakeLists.txt"].decode()
    assert not re.search(r"@[A-Z_]+@", readme + cmake)
    listed = set(re.findall(r"^    (\S+\.c)$", cmake, re.MULTILINE))
    apart = {file for file in files if file.startswith(("harness/ports/", "freestanding/"))}
    assert listed == {file for file in files if file.endswith(".c")} - apart
    assert {"LICENSE", "cmsis_nn/LICENSE.txt", "cmsis_core/LICENSE.txt"} <= set(files)
    assert kws.sha256 in readme
    for folder in re.findall(r"`(\w+)/", readme):
        assert any(file.startswith(f"{folder}/") or f"/{folder}/" in file for file in files), folder
    included = {
        include
        for file, data in files.items()
        if file.startswith(("harness/", "kernels/")) or file == "model.c"
        for include in re.findall(r'^#include "([^"]+)"', data.decode(), re.MULTILINE)
    }
    assert {include.rpartition("/")[2] for include in included} <= {file.rpartition("/")[2] for file in files}


def test_only_a_board_without_a_name_has_to_be_named(kws: Model) -> None:
    define = re.compile(rb"^#define TINYBENCH_DEVICE ", re.MULTILINE)
    named, nameless = (bundle(kws, TASK, known)["harness/tinybench_config.h"] for known in (QEMU, GENERIC))
    assert define.search(named)
    assert not define.search(nameless)


def test_the_template_says_what_is_missing(kws: Model, tmp_path: Path) -> None:
    gcc = shutil.which("arm-none-eabi-gcc")
    if gcc is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    for name, data in bundle(kws, TASK, GENERIC).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    flags = ("-mcpu=cortex-m0plus", "-mthumb", "-std=c11", "-ffreestanding", "-Iinclude", "-fsyntax-only")

    def compiled(*options: str) -> str:
        command = [gcc, *flags, "-Wall", "-Wextra", "-Wconversion", "-Werror", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        return done.stderr

    said = compiled("harness/ports/generic/port.c")
    functions = ("port_init", "port_read", "port_write", "port_time_us", "port_pin")
    assert [f'#error "{name}: ' in said for name in functions] == [True] * 5
    assert "TINYBENCH_DEVICE: say in tinybench_config.h" in compiled("harness/harness.c")

    template = (tmp_path / "harness/ports/generic/port.c").read_text()
    filled = "".join(line for line in template.splitlines(True) if not line.startswith("#error"))
    (tmp_path / "port.c").write_text(filled.replace("../../", "harness/"))
    for file in ("port.c", "harness/harness.c", "harness/numbers.c", "harness/ports/mps2-an386/port.c"):
        assert compiled('-DTINYBENCH_DEVICE="mine"', file) == ""


def test_five_functions_are_all_that_a_board_provides() -> None:
    header = (content.firmware_dir() / "harness/port.h").read_text()
    functions = re.findall(r"^\w+ (port_\w+)\(", header, re.MULTILINE)
    assert len(functions) == 5
    pages = content.firmware_dir() / "bundle/README.md", content.root() / "site/docs/firmware.md"
    for page in pages:
        assert all(name in page.read_text() for name in functions)
    called = set()
    for name in ("harness.c", "numbers.c"):
        source = (content.firmware_dir() / "harness" / name).read_text()
        called |= set(re.findall(r"\b(port_\w+)\(", source))
    assert called == set(functions)


def test_the_input_of_a_window_is_not_written_to() -> None:
    for name in ("kws", "ic", "vww", "ad"):
        model = load_named(name)
        program = lower(model, keep_input=True)
        start, end = program.input_offset, program.input_offset + program.input_bytes
        offsets = [offset for key, offset in program.arena.offsets.items() if key != f"t{model.input.index}"]
        assert not any(start <= offset < end for offset in offsets)
        shared = lower(model)
        assert program.arena.bytes <= shared.arena.bytes + program.input_bytes + 16


@pytest.mark.parametrize(
    ("folder", "says"),
    [("full", "is there already"), ("file", "is there already"), ("file/x", "cannot write")],
)
def test_nothing_is_overwritten(kws: Model, tmp_path: Path, folder: str, says: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.c").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with pytest.raises((UsageError, OutputError), match=says):
        write(tmp_path / folder, kws, TASK, GENERIC)
    assert (tmp_path / "full/mine.c").read_text() == "mine"
    assert len(list(tmp_path.rglob("*"))) == 3


def test_a_model_of_another_task_is_refused(kws: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"an input of 490 elements, but task 'ic' has 3072"):
        build(kws, specs.task("ic"), QEMU)
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    with pytest.raises(ModelError, match="but task 'kws' has 490"):
        bundle(Model.load(path), TASK, GENERIC)


def test_values_that_cannot_be_printed_are_refused(kws: Model) -> None:
    assert kws.output.quantization is not None
    wide = dataclasses.replace(kws.output.quantization, scales=(2.0**17,))
    model = dataclasses.replace(kws, output=dataclasses.replace(kws.output, quantization=wide))
    with pytest.raises(ModelError, match=r"an output with values above 2\^24"):
        configuration(model, TASK, "uart", {})


def test_a_task_without_a_serial_form_is_refused(kws: Model) -> None:
    with pytest.raises(UsageError, match="'kws' is not measured on boards"):
        configuration(kws, TASK.model_copy(update={"serial": None}), "uart", {})


def test_names_that_nobody_knows() -> None:
    with pytest.raises(UnknownNameError, match="unknown target 'mps3'"):
        target("mps3")
    with pytest.raises(UnknownNameError, match="unknown kind of timestamps 'gpio'"):
        parse_timestamps("gpio")


def test_another_compiler_says_so_in_the_firmware(kws: Model) -> None:
    try:
        Gcc().program()
    except ToolchainError as error:
        pytest.skip(f"{error.message}: {error.hint}")
    elf = build(kws, TASK, QEMU, compiler=Gcc()).firmware.elf
    assert b";compiler=arm-none-eabi-gcc " in elf
    assert b";flags=-mcpu=cortex-m4 " in elf


def test_only_an_elf_is_emulated(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not an ELF")
    with pytest.raises(UsageError, match="is not an ELF"), emulated(tmp_path / "text"):
        pass
    with pytest.raises(UsageError, match="cannot be read: No such file"), emulated(tmp_path / "nothing"):
        pass


@pytest.mark.parametrize(
    ("script", "says"),
    [("echo 'no such machine' >&2; exit 1", "under QEMU: no such machine"), ("exit 0", "it ended at once")],
)
def test_an_emulator_that_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    (tmp_path / "firmware.elf").write_bytes(b"\x7fELF")
    program = tmp_path / witness.QEMU
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(SimulationError, match=says), emulated(tmp_path / "firmware.elf"):
        pass


def test_the_command_line_builds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["firmware", "build", "--task", "kws", "--output", str(tmp_path / "made")]
    assert main([*arguments, "--target", "mps2-an386"]) == 0
    out = capsys.readouterr().out
    assert f"next: tinybench firmware emulate {tmp_path}/made/firmware.elf" in out
    assert main([*arguments, "--target", "generic"]) == 2
    assert "is there already" in capsys.readouterr().err
    arguments[-1] = str(tmp_path / "other")
    assert main([*arguments, "--target", "generic", "--timestamps", "pin", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["timestamps"] == "pin"


def test_the_command_line_emulates_one_thing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["firmware", "emulate"]) == 2
    assert "give either an ELF or --task" in capsys.readouterr().err
