"""The toolchains: which there are, what they are asked, and what is said when one is not there."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tinybench
from fakes import World
from tflite_builder import small_model
from tinybench import specs
from tinybench.cli.run import command
from tinybench.errors import CapacityError, ToolchainError, UnknownNameError
from tinybench.mcusim import compilers
from tinybench.mcusim.compilers import COMPILERS, ZIG, Gcc, compiler
from tinybench.mcusim.lower import lower
from tinybench.mcusim.simulate import build, simulate
from tinybench.mcusim.toolchain import build_firmware
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter


@pytest.fixture
def gcc() -> Gcc:
    made = Gcc()
    try:
        made.program()
    except ToolchainError as error:
        pytest.skip(error.message)
    return made


@pytest.fixture
def model(tmp_path: Path) -> Model:
    path = tmp_path / "model.tflite"
    path.write_bytes(small_model())
    return Model.load(path)


def test_each_compiler_is_found_by_its_own_name() -> None:
    assert {name: compiler(name).name for name in COMPILERS} == {"zig": "zig", "gcc": "gcc"}
    assert compiler(compilers.DEFAULT) is ZIG


def test_an_unknown_toolchain_gets_a_guess(world: World) -> None:
    with pytest.raises(UnknownNameError, match="unknown toolchain 'gc'") as caught:
        tinybench.run("demo", runner="fake", toolchain="gc")
    assert "did you mean 'gcc'?" in str(caught.value.hint)
    assert "known: gcc, zig" in str(caught.value.hint)
    assert not world.runner.seen


def test_a_missing_gcc_names_its_package_before_anything_runs(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="arm-none-eabi-gcc is not installed") as caught:
        tinybench.run("demo", runner="fake", toolchain="gcc")
    assert "gcc-arm-none-eabi" in str(caught.value.hint)
    assert caught.value.exit_code == 1
    assert not world.runner.seen


@pytest.mark.parametrize(
    ("script", "says"), [("exit 3", "does not run"), ("echo twelve", "says its version is 'twelve'")]
)
def test_a_broken_gcc_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    program = tmp_path / "arm-none-eabi-gcc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(ToolchainError, match=says):
        Gcc().label()


def test_the_runner_is_told_the_toolchain(world: World) -> None:
    tinybench.run("demo", runner="fake")
    assert world.runner.seen[-1].setup.toolchain == "zig"


@pytest.mark.parametrize("name", sorted(COMPILERS))
def test_the_flags_name_the_core(name: str) -> None:
    for core in ("cortex-m0plus", "cortex-m33"):
        (cpu,) = [flag for flag in compiler(name).flags(core) if flag.startswith("-mcpu=")]
        assert core in cpu.replace("_", "-")


@pytest.mark.parametrize("level", ["-O2", "-O3"])
def test_gcc_gives_the_bits_of_tflite_micro(model: Model, gcc: Gcc, level: str) -> None:
    board = specs.device("nucleo-l4r5zi")
    inputs = np.random.default_rng(3).integers(-128, 128, (4, 8, 6, 3), dtype=np.int8)
    built = build(model, board, dataclasses.replace(gcc, level=level))
    assert built.firmware.compiler.startswith("arm-none-eabi-gcc ")
    assert level in built.firmware.flags
    np.testing.assert_array_equal(simulate(built, board, inputs).outputs, Interpreter(model).run(inputs))


def test_gcc_gives_the_same_elf_in_another_cache_and_not_that_of_zig(
    model: Model, gcc: Gcc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, board = lower(model), specs.device("nucleo-l4r5zi")
    hashes = {build_firmware(program, board).sha256}
    for name in ("one", "another place"):
        monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / name))
        hashes.add(build_firmware(program, board, gcc).sha256)
    assert len(hashes) == 2


def test_gcc_says_by_how_much_the_flash_overflows(model: Model, gcc: Gcc) -> None:
    board = specs.device("nucleo-l4r5zi")
    small = board.model_copy(update={"flash": board.flash.model_copy(update={"bytes": 4096})})
    with pytest.raises(CapacityError, match=r"needs \d+ bytes more of FLASH"):
        build(model, small, gcc)


def test_a_gcc_error_is_one_line(model: Model, gcc: Gcc) -> None:
    program = dataclasses.replace(lower(model), source="int broken(;\n")
    with pytest.raises(ToolchainError, match=r"the compiler failed: model\.c:1:\d+: error"):
        build_firmware(program, specs.device("nucleo-l4r5zi"), gcc)


def test_a_gcc_link_error_names_the_symbol(model: Model, gcc: Gcc) -> None:
    program = lower(model)
    broken = dataclasses.replace(program, source=program.source.replace("tinybench_check", "other_check"))
    with pytest.raises(ToolchainError, match=r"undefined reference to .tinybench_check"):
        build_firmware(broken, specs.device("nucleo-l4r5zi"), gcc)


def test_the_result_names_the_toolchain_and_has_another_id(gcc: Gcc, tmp_path: Path) -> None:
    found = {}
    for name in ("zig", gcc.name):
        done = CliRunner().invoke(
            command, ["kws", "--limit", "12", "--toolchain", name, "--json", "--output", str(tmp_path / name)]
        )
        assert done.exit_code == 0, done.output
        found[name] = json.loads(done.stdout)
    assert found["gcc"]["engine"]["compiler"] == gcc.label()
    assert "-O2" in found["gcc"]["engine"]["flags"]
    assert found["zig"]["engine"]["compiler"] == ZIG.label()
    assert found["zig"]["id"] != found["gcc"]["id"]
