"""The same kernels, model and flags under QEMU: the same outputs, and the same number of instructions.

Counts are equal to the last instruction here; a difference of 0.1 % is what would call for an explanation.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tflite_builder import small_model
from tinybench import specs
from tinybench.errors import SimulationError, ToolchainError
from tinybench.mcusim import witness
from tinybench.mcusim.compilers import ZIG, Compiler, Gcc
from tinybench.mcusim.placement import FLASH, Placement
from tinybench.mcusim.simulate import build, simulate
from tinybench.mcusim.witness import MACHINES, build_witness, observe
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter
from tinybench.specs import DeviceSpec

INPUTS = 8
TOLERANCE = 1e-3


@pytest.fixture(scope="module", autouse=True)
def _qemu() -> None:
    try:
        witness.qemu()
    except ToolchainError as error:
        pytest.skip(f"{error.message}: {error.hint}")


def skip_if_missing(compiler: Compiler) -> None:
    try:
        compiler.program()
    except ToolchainError as error:
        pytest.skip(error.message)


def small(tmp_path: Path) -> Model:
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return Model.load(path)


def random_inputs(model: Model, count: int = INPUTS) -> np.ndarray:
    shape = (count, *model.input.shape[1:])
    return np.random.default_rng(11).integers(-128, 128, shape, dtype=np.int8)


def assert_agreement(
    model: Model, device: DeviceSpec, compiler: Compiler, placement: Placement = FLASH
) -> None:
    inputs = random_inputs(model)
    observed = observe(build_witness(model, device, compiler, placement), inputs)
    np.testing.assert_array_equal(observed.outputs, Interpreter(model).run(inputs))
    built = build(model, device, compiler, placement)
    for index, data in enumerate(inputs):
        simulation = simulate(built, device, data[None])
        np.testing.assert_array_equal(simulation.outputs[0], observed.outputs[index])
        assert simulation.instructions == pytest.approx(observed.instructions[index], rel=TOLERANCE)


@pytest.mark.parametrize("compiler", [ZIG, Gcc()], ids=["zig", "gcc"])
@pytest.mark.parametrize("which", ["small", "kws"])
def test_outputs_and_instruction_counts_are_those_of_the_simulator(
    tmp_path: Path, which: str, compiler: Compiler
) -> None:
    skip_if_missing(compiler)
    model = small(tmp_path) if which == "small" else Model.load(specs.model("kws").path)
    assert_agreement(model, specs.device("nucleo-l4r5zi"), compiler)


@pytest.mark.parametrize("compiler", [ZIG, Gcc()], ids=["zig", "gcc"])
@pytest.mark.parametrize("core", sorted(set(MACHINES) - {"cortex-m4"}))
def test_the_other_cores_agree_too(tmp_path: Path, core: str, compiler: Compiler) -> None:
    skip_if_missing(compiler)
    device = specs.device("nucleo-l4r5zi").model_copy(update={"core": core})
    assert_agreement(small(tmp_path), device, compiler)


@pytest.mark.parametrize("compiler", [ZIG, Gcc()], ids=["zig", "gcc"])
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4"])
def test_they_agree_on_code_and_weights_in_ram(tmp_path: Path, core: str, compiler: Compiler) -> None:
    skip_if_missing(compiler)
    device = specs.device("nucleo-l4r5zi").model_copy(update={"core": core})
    assert_agreement(small(tmp_path), device, compiler, Placement(code="ram", weights="ram"))


def test_counts_do_not_depend_on_what_ran_before(tmp_path: Path) -> None:
    model = small(tmp_path)
    built, inputs = build_witness(model, specs.device("nucleo-l4r5zi")), random_inputs(model, 4)
    together = observe(built, inputs)
    assert together.instructions == tuple(observe(built, data[None]).instructions[0] for data in inputs)


def test_a_firmware_that_faults_is_an_error(tmp_path: Path) -> None:
    model = small(tmp_path)
    built = build_witness(model, specs.device("nucleo-l4r5zi"))
    nowhere = witness.QemuMachine(
        **{**vars(built.machine), "timer_base": 0x9000_0000}  # nothing answers there
    )
    with pytest.raises(SimulationError, match="the core faulted"):
        observe(witness.WitnessBuild(nowhere, built.firmware, 144, 4), random_inputs(model, 1))


def test_a_core_without_a_machine_is_refused(tmp_path: Path) -> None:
    device = specs.device("nucleo-l4r5zi").model_copy(update={"core": "cortex-a53"})
    with pytest.raises(ToolchainError, match="QEMU has no machine for cortex-a53"):
        build_witness(small(tmp_path), device)
