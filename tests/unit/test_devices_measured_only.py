"""A board whose core the simulator does not know is one TOML file; all but the simulator takes it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import tomllib
from pathlib import Path

import pytest
from lxml.html import document_fromstring

from board_fixtures import board, cells, context, html
from fakes import World, clear_specs
from tflite_builder import small_model
from tinybench import specs
from tinybench.cli import main
from tinybench.errors import ContentError, UsageError
from tinybench.leaderboard import addresses, device_page
from tinybench.mcusim import cores
from tinybench.mcusim.placement import Placement
from tinybench.mcusim.simulate import build
from tinybench.mcusim.witness import build_witness
from tinybench.models import Model
from tinybench.specs import DeviceSpec
from tinybench.specs.device_spec import SIMULATED_CORES
from tinybench.submissions.drafting import known

RISCV = """
id = "riscv-board"
title = "RISC-V board"
vendor = "nobody"
chip = "demo-riscv"
core = "riscv32imc"

[clock_hz]
value = 160_000_000
source = "no real device"

[board]
usb = ["303a:1001"]
baud = 921_600
source = "no real device"
"""
MEMORIES = """
[flash]
base = 0x4200_0000
bytes = 4_194_304
source = "no real device"

[ram]
base = 0x3fc8_0000
bytes = 409_600
source = "no real device"
"""
TIMING = """
[flash_timing]
wait_states = { table = [[160_000_000, 0]], source = "no real device" }
width_bytes = { value = 8, source = "no real device" }
prefetch = { value = false, source = "no real device" }
"""


def read(text: str) -> DeviceSpec:
    return specs.validate(DeviceSpec, tomllib.loads(text), Path("riscv-board.toml"), "riscv-board")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(small_model())
    return Model.load(path)


@pytest.mark.parametrize("text", [RISCV, RISCV + MEMORIES])
def test_the_simulator_says_that_it_can_be_measured_only(model: Model, text: str) -> None:
    device = read(text)
    with pytest.raises(UsageError, match="riscv-board has no timing") as caught:
        build(model, device)
    assert "--runner board" in caught.value.message
    with pytest.raises(UsageError, match="has no timing"):
        Placement(code="ram").check(device)
    Placement().check(device)


def test_no_firmware_is_linked_for_memories_that_nobody_described() -> None:
    device = read(RISCV)
    with pytest.raises(UsageError, match="says nothing of its memories"):
        print(device.memories)
    assert [region.bytes for region in read(RISCV + MEMORIES).memories] == [4 << 20, 400 << 10]


def test_the_witness_needs_no_timing(model: Model) -> None:
    """It counts instructions under QEMU, on memories of its own."""
    device = read((RISCV + MEMORIES).replace("riscv32imc", "cortex-m4"))
    assert build_witness(model, device).machine.name == "mps2-an386"


def test_its_clock_is_what_its_maker_says() -> None:
    device = read(RISCV)
    assert device.highest_hz is None
    assert device.at_clock(80_000_000).clock_hz.value == 80_000_000
    with pytest.raises(UsageError, match="does not run at 0 MHz"):
        device.at_clock(0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (RISCV + MEMORIES + TIMING, "core 'riscv32imc' is not simulated"),
        (RISCV + TIMING, "flash_timing needs flash and ram"),
        (RISCV + MEMORIES.partition("[ram]")[0], "both flash and ram"),
        (RISCV + '[ram_timing]\nwait_cycles = 1\nsource = "no real device"', "read by nobody"),
        (RISCV.replace("160_000_000", "0"), "clock_hz must be above 0"),
        (RISCV.replace("riscv32imc", "RISC V"), "core"),
    ],
)
def test_a_profile_that_is_half_simulated_is_refused(text: str, says: str) -> None:
    with pytest.raises(ContentError, match=says) as caught:
        read(text)
    assert "riscv-board.toml" in caught.value.message


def test_the_cores_with_a_timing_model_are_those_that_a_profile_may_have() -> None:
    names = [module.name for module in pkgutil.iter_modules(cores.__path__, f"{cores.__name__}.")]
    found = {name for name in names if hasattr(importlib.import_module(name), "CORE")}
    assert {name.rpartition(".")[2].replace("_", "-") for name in found} == set(SIMULATED_CORES)


def test_it_is_listed_like_any_other(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (world.root / "runners/devices/riscv-board.toml").write_text(RISCV + MEMORIES)
    clear_specs()
    assert main(["list", "devices"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "riscv-board" in line)
    assert line.split()[-7:] == ["160", "MHz", "4.0", "MiB", "400.0", "KiB", "no"]
    assert main(["list", "devices", "--json"]) == 0
    rows = {row["id"]: row["simulated"] for row in json.loads(capsys.readouterr().out)}
    assert rows == {"demo-board": "yes", "riscv-board": "no"}


def test_what_a_profile_does_not_say_is_left_empty(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (world.root / "runners/devices/riscv-board.toml").write_text(RISCV)
    (world.root / "runners/devices/demo-board.toml").unlink()
    clear_specs()
    assert main(["list", "devices"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "riscv-board" in line)
    assert line.split()[-3:] == ["160", "MHz", "no"]
    assert main(["list", "devices", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["flash_bytes"], row["ram_bytes"]) == (None, None)


def test_its_page_says_that_it_is_not_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = specs.device("nucleo-l4r5zi")
    profiles = {device.id: device for device in (simulated, read(RISCV + MEMORIES))}
    monkeypatch.setattr(specs, "devices", lambda: profiles)
    of = context(board(()))
    device_page.write(of)
    page = document_fromstring(html(of.pages, "devices/riscv-board/"))
    assert "does not simulate this device" in page.text_content()
    assert "--runner tflm-sim" not in page.text_content()
    assert [line[0] for line in cells(page, "table.tb-profile")] == ["Clock", "Flash", "RAM"]
    every = cells(document_fromstring(html(of.pages, addresses.DEVICES)), "table.tb-list")
    assert {line[0]: line[3] for line in every} == {simulated.title: "yes", "RISC-V board": "no"}


def test_a_submission_takes_from_it_what_it_says() -> None:
    assert "memories" not in known(read(RISCV), None)
    fields = known(read(RISCV + MEMORIES), None)
    assert fields["core"] == "riscv32imc"
    memories = fields["memories"]
    assert isinstance(memories, tuple)
    assert [memory.bytes for memory in memories] == [4 << 20, 400 << 10]
