from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tinybench.results.schema import Accelerator, DeviceRef, Engine
from tinybench.submissions.system import Memory, System

ENGINE = Engine(
    name="microTVM",
    version="0.9",
    kernels="CMSIS-NN",
    kernels_version="4.0.0",
    compiler="GCC 12.2.1",
    flags=("-O3",),
)
DEVICE = DeviceRef(
    id="nucleo-l4r5zi",
    board="ST NUCLEO-L4R5ZI",
    chip="STM32L4R5ZI",
    core="cortex-m4",
    clock_hz=120_000_000,
    supply_v=1.8,
    accelerator=None,
)
SYSTEM = System(
    title="NUCLEO-L4R5ZI with microTVM",
    organisation="Example",
    division="closed",
    licence="CC-BY-4.0",
    device="nucleo-l4r5zi",
    chip="STM32L4R5ZI",
    core="cortex-m4",
    clock_hz=120_000_000,
    supply_v=1.8,
    memories=(Memory(kind="flash", bytes=2 * 1024 * 1024), Memory(kind="ram", bytes=640 * 1024)),
    engine=ENGINE,
)


def test_a_system_survives_its_file() -> None:
    assert System.model_validate(tomllib.loads(SYSTEM.to_toml().decode())) == SYSTEM
    assert SYSTEM.to_toml().startswith(b'schema = "tinybench.system/1"\n')
    assert b"accelerator" not in SYSTEM.to_toml()


def test_what_is_not_known_is_left_out_of_the_file_and_survives() -> None:
    system = SYSTEM.model_copy(
        update={
            "engine": Engine(name="HALE", version=None, kernels=None, kernels_version=None, compiler=None),
            "accelerator": Accelerator(name="NPU", clock_hz=None),
        }
    )
    assert System.model_validate(tomllib.loads(system.to_toml().decode())) == system


@given(title=st.text(min_size=1, max_size=100), notes=st.text(max_size=100), flag=st.text())
def test_any_text_survives(title: str, notes: str, flag: str) -> None:
    system = SYSTEM.model_copy(
        update={"title": title, "notes": notes, "engine": ENGINE.model_copy(update={"flags": (flag,)})}
    )
    assert System.model_validate(tomllib.loads(system.to_toml().decode())) == system


@pytest.mark.parametrize(
    "change",
    [
        {"division": "half-open"},
        {"clock_hz": 0},
        {"clock_hz": 10**16},
        {"supply_v": float("nan")},
        {"surprise": 1},
        {"title": ""},
        {"title": "x" * 401},
        {"device": "../nucleo"},
        {"schema": "tinybench.system/2"},
        {"memories": [{"kind": "flash", "bytes": -1}]},
    ],
)
def test_what_is_wrong_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        System.model_validate(tomllib.loads(SYSTEM.to_toml().decode()) | change)


def test_what_a_result_says_differently_is_named() -> None:
    assert SYSTEM.disagreements(DEVICE, ENGINE) == []
    device = DEVICE.model_copy(
        update={"clock_hz": 80_000_000, "accelerator": Accelerator(name="NPU", clock_hz=None)}
    )
    engine = ENGINE.model_copy(update={"version": "0.10", "compiler": None, "flags": ("-Os",)})
    assert SYSTEM.disagreements(device, engine) == [
        ("clock_hz", 120_000_000, 80_000_000),
        ("engine.version", "0.9", "0.10"),
        ("engine.flags", ("-O3",), ("-Os",)),
    ]
