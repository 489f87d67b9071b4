"""Vela's figures are taken as it wrote them, once for each content, and never from what is broken."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npu_models import SPLIT_AT, nameless_model, split_model
from tflite_builder import residual_model, small_model, wide_model
from tinybench import specs
from tinybench.cache import cached_outputs
from tinybench.errors import ModelError, ToolchainError, UsageError
from tinybench.models import Model
from tinybench.npu import vela
from tinybench.npu.vela import Compiled, by_operator, compile_model
from tinybench.specs import NpuSpec

pytest.importorskip("ethosu")


def npu(name: str = "ethos-u55-128") -> NpuSpec:
    return specs.device(name).check_npu()


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Model]:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "cache"))

    def load(data: bytes) -> Model:
        path = tmp_path / "given.tflite"
        path.write_bytes(data)
        return Model.load(path)

    return load


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Command lines of all that was started."""
    run, found = subprocess.run, []

    def counted(command: list[str], **options: Any) -> Any:
        found.append(list(command))
        return run(command, **options)

    monkeypatch.setattr(vela.subprocess, "run", counted)
    return found


def by_hand(model: Model, folder: Path, given: NpuSpec) -> dict[str, str]:
    """The row of the summary that Vela writes when a user starts it."""
    command = [sys.executable, "-m", "ethosu.vela", str(model.path)]
    command += ["--accelerator-config", given.accelerator, "--config", "Arm/vela.ini"]
    command += ["--system-config", given.system_config, "--memory-mode", given.memory_mode]
    subprocess.run([*command, "--output-dir", str(folder)], check=True, capture_output=True, cwd=folder)
    text = (folder / f"{model.name}_summary_{given.system_config}.csv").read_text()
    (row,) = csv.DictReader(io.StringIO(text))
    return row


@pytest.mark.parametrize("name", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-2048"])
def test_figures_are_those_of_vela_by_hand(load: Callable[[bytes], Model], tmp_path: Path, name: str) -> None:
    model = load(residual_model())
    compiled = compile_model(model, npu(name))
    row, summary = by_hand(model, tmp_path, npu(name)), compiled.summary
    assert {key: summary.text[key] for key in row if key != "network"} == {
        key: value for key, value in row.items() if key != "network"
    }
    figures: dict[str, float] = {
        "core_clock": summary.clock_hz,
        "inference_time": summary.inference_s,
        "cycles_total": summary.cycles_total,
        "cycles_npu": summary.cycles_npu,
        "cycles_sram_access": summary.cycles_sram,
        "cycles_dram_access": summary.cycles_dram,
        "cycles_on_chip_flash_access": summary.cycles_on_chip_flash,
        "cycles_off_chip_flash_access": summary.cycles_off_chip_flash,
        "sram_total_bytes": summary.sram_traffic,
        "off_chip_flash_total_bytes": summary.flash_traffic,
        "nn_macs": summary.macs,
    }
    assert {key: float(row[key]) for key in figures} == figures
    assert Decimal(row["sram_memory_used"]) * 1024 == summary.sram_bytes
    assert Decimal(row["off_chip_flash_memory_used"]) * 1024 == summary.flash_bytes
    assert summary.cycles_total / summary.clock_hz == summary.inference_s


def test_the_same_content_is_compiled_once(load: Callable[[bytes], Model], started: list[list[str]]) -> None:
    model = load(small_model())
    first = compile_model(model, npu())
    assert compile_model(model, npu()) == first
    assert len(started) == 1
    assert compile_model(model, npu("ethos-u55-64")).summary != first.summary
    compile_model(load(small_model(1)), npu())
    assert len(started) == 3


def test_what_is_damaged_is_compiled_again(load: Callable[[bytes], Model], started: list[list[str]]) -> None:
    model = load(small_model())
    first = compile_model(model, npu())
    (damaged,) = (path for path in cached_outputs() if path.name.endswith("_per-layer.csv"))
    damaged.write_bytes(damaged.read_bytes().replace(b"NPU", b"CPU"))
    assert cached_outputs()[damaged] is False
    assert compile_model(model, npu()) == first
    assert len(started) == 2
    assert all(cached_outputs().values())


def test_rows_are_those_of_operators(load: Callable[[bytes], Model]) -> None:
    model = load(residual_model())
    compiled = compile_model(model, npu())
    owned = by_operator(model, compiled.rows)
    assert owned is not None
    kinds = {"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "ADD": "Add", "SOFTMAX": "Softmax"}
    kinds |= {"AVERAGE_POOL_2D": "AvgPool", "FULLY_CONNECTED": "FullyConnected"}
    for operator in model.operators:
        rows = owned[operator.index]
        assert {row.original for row in rows} == ({kinds[operator.kind]} if operator.kind in kinds else set())
    assert sum(len(rows) for rows in owned.values()) == len(compiled.rows)
    assert sum(row.cycles for rows in owned.values() for row in rows) == compiled.summary.cycles_total


@pytest.mark.parametrize("name", ["ethos-u55-32", "ethos-u65-256", "ethos-u85-128"])
def test_an_operator_that_the_npu_lacks_is_left_to_the_core(
    load: Callable[[bytes], Model], name: str
) -> None:
    model = load(split_model())
    compiled = compile_model(model, npu(name))
    owned = by_operator(model, compiled.rows)
    assert owned is not None
    assert (compiled.cpu_operators, compiled.npu_calls) == (1, 2)
    assert [i for i, rows in owned.items() if not all(row.on_npu for row in rows)] == [SPLIT_AT]


def test_names_that_tell_nothing_are_not_guessed(load: Callable[[bytes], Model]) -> None:
    model = load(nameless_model())
    assert by_operator(model, compile_model(model, npu()).rows) is None


def test_what_vela_refuses_is_said_in_its_words(
    load: Callable[[bytes], Model], started: list[list[str]]
) -> None:
    model = load(wide_model())
    for _ in range(2):  # a refusal is not kept
        with pytest.raises(
            ModelError, match=r"Vela refuses it: .*RESHAPE 'tensor39' Does not have"
        ) as caught:
            compile_model(model, npu())
        assert "Input and output quantisation must match" in str(caught.value)
        assert "\n" not in str(caught.value.message)
    assert len(started) == 2
    assert cached_outputs() == {}


def test_without_the_extra_the_hint_installs_it(
    load: Callable[[bytes], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vela, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs the package ethos-u-vela") as caught:
        compile_model(load(small_model()), npu())
    assert caught.value.hint == "pip install 'tinybench-suite[npu]'"


def test_a_vela_that_never_ends_is_stopped(
    load: Callable[[bytes], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vela, "_TIMEOUT_S", 0.001)
    with pytest.raises(ToolchainError, match="Vela ran for over"):
        compile_model(load(small_model()), npu())


def test_of_what_it_prints_the_end_is_kept(
    load: Callable[[bytes], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = compile_model(load(small_model()), npu()).log
    monkeypatch.setattr(vela, "MAX_LOG_BYTES", 100)
    monkeypatch.setattr(vela, "kept", lambda path: None)
    assert compile_model(load(small_model()), npu()).log == whole[-100:]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("vela")
    path = folder / "small.tflite"
    path.write_bytes(small_model())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYBENCH_CACHE", str(folder))
        made = compile_model(Model.load(path), npu())
    return {"summary": made.summary_csv, "layers": made.layers_csv, "tflite": made.tflite, "log": made.log}


def read(files: dict[str, bytes]) -> Compiled:
    return vela._read(files, "5.2.0", ())


BROKEN: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "no row": ("summary", lambda data: data.splitlines()[0], "not what this version writes"),
    "two rows": ("summary", lambda data: data + data.splitlines()[1] + b"\n", "not what this version"),
    "other column": ("summary", lambda data: data.replace(b"cycles_npu", b"cycles"), "not what this version"),
    "no number": ("summary", lambda data: data.replace(b"500000000.0", b"nan"), "not what this version"),
    "part of a byte": ("summary", lambda data: data.replace(b",500000000.0", b",0.5"), "not what this"),
    "short": ("summary", lambda data: data.rstrip().rpartition(b",")[0], "not what this version"),
    "not text": ("layers", lambda data: b"\xff" + data, "not what this version"),
    "other target": ("layers", lambda data: data.replace(b"NPU,", b"GPU,"), "not what this version"),
    "row lost": ("layers", lambda data: data.rstrip().rpartition(b"\n")[0], "its layers sum to"),
    "on the core": ("layers", lambda data: data.replace(b"Add,NPU", b"Add,CPU", 1), "leaves 1 operators"),
    "empty model": ("tflite", lambda data: b"", "not what this version"),
    "cut model": ("tflite", lambda data: data[:40], "not what this version"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_output_is_never_a_figure(files: dict[str, bytes], case: str) -> None:
    part, change, said = BROKEN[case]
    changed = change(files[part])
    assert changed != files[part]
    assert read(files).cpu_operators == 0
    with pytest.raises(ToolchainError, match=f"Vela's output cannot be used: .*{said}"):
        read({**files, part: changed})


@given(
    place=st.floats(0, 1, exclude_max=True),
    byte=st.integers(0, 255),
    part=st.sampled_from(["summary", "layers", "tflite"]),
)
def test_a_changed_byte_is_a_figure_or_a_clear_error(
    files: dict[str, bytes], place: float, byte: int, part: str
) -> None:
    data = bytearray(files[part])
    data[int(place * len(data))] = byte
    with suppress(ToolchainError):
        assert read({**files, part: bytes(data)}).rows


def test_what_broken_output_says_is_not_kept(
    load: Callable[[bytes], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = subprocess.run

    def breaks(command: list[str], **options: Any) -> Any:
        done = run(command, **options)
        (Path(options["cwd"]) / "model_per-layer.csv").unlink()
        return done

    monkeypatch.setattr(vela.subprocess, "run", breaks)
    with pytest.raises(ToolchainError, match=r"it did not write model_per-layer\.csv"):
        compile_model(load(small_model()), npu())
    assert cached_outputs() == {}
