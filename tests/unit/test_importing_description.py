from __future__ import annotations

import json

import pytest

import published_trees as trees
from tinybench.results.schema import Accelerator
from tinybench.submissions.importing.description import Description, file_of, find_description
from tinybench.submissions.importing.mlperf import Named
from tinybench.submissions.text import MAX_TEXT

NAMED = Named("v1.2", "closed", "Example", "NUCLEO_L4R5ZI")


def described(path: str = "systems/NUCLEO_L4R5ZI.json", **changes: str) -> Description:
    return find_description(NAMED, [path], lambda _: trees.system(**changes))


def codes(description: Description) -> list[str]:
    return [found.rule.code for found in description.findings]


def test_typed_fields() -> None:
    description = described()
    assert codes(description) == []
    device = description.device(1.8)
    assert (device.id, device.board, device.chip, device.core, device.clock_hz, device.supply_v) == (
        "nucleo-l4r5zi",
        "NUCLEO-L4R5ZI",
        "STM32L4R5ZI",
        "cortex-m4",
        120_000_000,
        1.8,
    )
    engine = description.engine()
    assert (engine.name, engine.version, engine.compiler) == ("X-CUBE-AI", "9.0", "GCC 12")
    assert description.number_format(None) == "int8"
    system = description.system([])
    assert (system.device, system.availability) == ("nucleo-l4r5zi", "available")
    assert system.notes == "operating system: bare metal; hardware: Operating at 1.8V"


def test_notes_that_do_not_fit_together() -> None:
    long = "x" * (MAX_TEXT - 100)
    description = described(**{"Hardware Notes": long, "Software Notes": long})
    notes = description.system([]).notes
    assert notes is not None
    assert notes.startswith("operating system: bare metal; hardware: x")
    assert len(notes) <= MAX_TEXT
    assert description.originals()["Software Notes"] == long


def test_the_original_texts_without_names_of_people() -> None:
    originals = described().originals()
    assert originals["Processor(s) Name"] == "32-bit Arm Cortex-M4 (DSP + FPU)"
    assert originals["Operating System"] == "bare metal"
    assert not {"Submitter", "Division", "Accelerator"} & set(originals)


def test_a_board_without_profile_has_the_chip_that_is_stated() -> None:
    device = described(
        **{"Board Name": "Arty A7-100T", "Accelerator": "Artix-7", "Processor(s) Name": "Microblaze"}
    )
    assert device.device(None).chip == "STM32L4R5ZIT6U"
    assert device.device(None).core == "fpga"
    assert device.system([]).device is None


def test_an_accelerator_with_its_clock() -> None:
    description = described(**{"Accelerator": "Syntiant Core 2", "Accelerator(s) Frequencies": "30.7 MHz"})
    device = description.device(None)
    assert device.accelerator == Accelerator(name="Syntiant Core 2", clock_hz=30_700_000)
    assert device.core == "npu"


def test_nothing_is_made_up_without_a_file() -> None:
    description = find_description(NAMED, [], lambda _: b"")
    assert codes(description) == ["TB920"]
    device = description.device(None)
    assert (device.id, device.board, device.chip, device.core, device.clock_hz) == (
        "nucleo-l4r5zi",
        None,
        None,
        None,
        None,
    )
    assert (description.engine().name, description.originals()) == ("not stated", {})
    assert description.system([]).device is None


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"Inference Framework": "another"}, "TB910", "engine 'another'"),
        ({"Processor(s) Name": "a core"}, "TB910", "processor 'a core'"),
        ({"Processor(s) Frequencies": "fast"}, "TB910", "'fast' is not one clock"),
        ({"Division": "Open"}, "TB923", "says open, the folder closed"),
        ({"Hardware Notes": "<script>x</script>"}, "TB938", "'Hardware Notes'"),
        ({"Board Name": "Бoard"}, "TB938", "'Board Name': character 1 is U+0411"),
        ({"Board Name": "---"}, "TB938", "no part of a path follows"),
        ({"SoC Name": "x" * 101}, "TB938", "'SoC Name': has 101 characters"),
        ({"Hardware Notes": "x" * (MAX_TEXT + 1)}, "TB938", "characters"),
    ],
)
def test_each_finding(changes: dict[str, str], code: str, said: str) -> None:
    description = described(**changes)
    (found,) = description.findings
    assert found.rule.code == code
    assert said in found.message


def test_a_text_that_cannot_be_shown_goes_nowhere() -> None:
    description = described(**{"Board Name": "<b>board", "Hardware Notes": "<script>"})
    text = description.system([]).to_toml().decode() + str(description.originals())
    assert "<" not in text
    assert description.device(None).board is None


def test_broken_json_is_read_as_far_as_it_can_be() -> None:
    text = trees.system().decode().replace('"120 MHz",', '"120 MHz"')
    description = find_description(NAMED, ["systems/NUCLEO_L4R5ZI.json"], lambda _: text.encode())
    assert codes(description) == ["TB921"]
    assert description.device(None).clock_hz == 120_000_000


def test_a_file_that_is_nothing() -> None:
    description = find_description(NAMED, ["systems/NUCLEO_L4R5ZI.json"], lambda _: b"nothing")
    assert codes(description) == ["TB921"]
    assert description.file is None


@pytest.mark.parametrize(
    ("system", "files", "expected"),
    [
        ("NUCLEO_L4R5ZI", ["NUCLEO_L4R5ZI.json", "NUCLEO_H7A3ZI_Q.json"], 0),
        ("NUCLEO_L4R5ZI-P", ["NUCLEO_L4R5ZI-P_70MHz.json", "NUCLEO_L4R5ZI-P.json"], 1),
        ("Nucleo-L4R5ZI", ["Nucleo_L4R5ZI_System_Description.json"], 0),
        ("NUCLEO-H7A3ZI-Q", ["NUCLEO-H7A3ZI-Q/NUCLEO_H7A3ZI_Q_system_description.json"], 0),
        (
            "microtvm_cmsis_nn/NUCLEO_L4R5ZI",
            [
                "system_description_NRF5340DK_microtvm_cmsis_nn.json",
                "system_description_NUCLEO_L4R5ZI_microtvm_cmsis_nn.json",
                "system_description_NUCLEO_L4R5ZI_microtvm_native.json",
            ],
            1,
        ),
        ("arty-a7-100t", ["system_description_arty.json", "system_description_pynq.json"], 0),
        ("arty-a7-100t", ["system_description_pynq.json"], None),
        ("one", ["one_a.json", "one_b.json"], None),
        ("microtvm_cmsis_nn/NRF5340-DK", ["system_description_NRF5340DK_microtvm_cmsis_nn.json"], 0),
        ("NUCLEO_U575ZI_Q", ["NUCLEO_H7A3ZI_Q.json", "NUCLEO_L4R5ZI.json"], None),
        ("DISCO_F746NG", ["DISCO-F746NG.json", "DISCO_F746NG.json"], 1),
        ("DISCO F746NG", ["DISCO-F746NG.json", "DISCO_F746NG.json"], None),
        ("one", [], None),
    ],
)
def test_the_file_of_a_system(system: str, files: list[str], expected: int | None) -> None:
    assert file_of(system, files) == (None if expected is None else files[expected])


def test_a_file_by_part_of_its_name_is_said() -> None:
    description = find_description(
        Named("v0.7", "open", "hls4ml-finn", "arty-a7-100t"),
        ["open/hls4ml-finn/systems/system_description_arty.json"],
        lambda _: json.dumps({"Board Name": "Arty A7-100T"}).encode(),
    )
    assert codes(description) == ["TB922"]
    assert description.device(None).id == "arty-a7-100t"
