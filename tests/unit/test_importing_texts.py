"""Engines, cores, clocks and boards out of the words of submitters."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.submissions.importing import engines, hardware

TVM = '{"TVM": {"SHA": "e3a6"}, "CMSIS_NN": {"SHA": "5126"}}'


@pytest.mark.parametrize(
    ("text", "libraries", "expected"),
    [
        ("X-CUBE-AI 7.3.0", None, ("X-CUBE-AI", "7.3.0", None, None)),
        ("X-CUBE-AI v9.0", None, ("X-CUBE-AI", "9.0", None, None)),
        ("STEDGE-AI Internal version", None, ("ST Edge AI", None, None, None)),
        ("ST Edge AI Core 2.0", None, ("ST Edge AI", "2.0", None, None)),
        ("Plumerai Inference Engine", None, ("Plumerai Inference Engine", None, None, None)),
        ("Plumerai Inference Engine 2023.05", None, ("Plumerai Inference Engine", "2023.05", None, None)),
        ("Bosch HALE 1.0.175", None, ("Bosch HALE", "1.0.175", None, None)),
        ("Syntiant SDK / Core 2", "TensorFlow, Syntiant SDK", ("Syntiant SDK", None, None, None)),
        ("microTVM + CMSIS-NN", TVM, ("microTVM", "e3a6", "CMSIS-NN", "5126")),
        ("microTVM", TVM, ("microTVM", "e3a6", "CMSIS-NN", "5126")),
        ("microTVM", '{"TVM": {"SHA": "e3a6"}}', ("microTVM", "e3a6", None, None)),
        ("microTVM (native schedules)", TVM, ("microTVM", "e3a6", "native schedules", None)),
        (
            "ONNC + CMSIS-NN (CMSIS_5)",
            '{"CMSIS_5": {"SHA": "b966"}}',
            ("ONNC", None, "CMSIS-NN", "CMSIS_5 b966"),
        ),
        ("ONNC + Andes NN", '{"andes_nn": {"SHA": ""}}', ("ONNC", None, "Andes NN", None)),
        ("Tensorflow Lite Micro 2.3.1", None, ("TensorFlow Lite Micro", "2.3.1", None, None)),
        (
            "TFLite Micro v2.3.1 + CMSIS-NN (TAGS=cmsis-nn in setup_example.sh)",
            None,
            ("TensorFlow Lite Micro", "2.3.1", "CMSIS-NN", None),
        ),
        ("TFLite Micro + Andes NN library", None, ("TensorFlow Lite Micro", None, "Andes NN", None)),
        ("Sinian/CSI-NN2", None, ("Sinian", None, "CSI-NN2", None)),
        ("LEIP v1.9.3", None, ("LEIP", "1.9.3", None, None)),
    ],
)
def test_engines(text: str, libraries: str | None, expected: tuple[str | None, ...]) -> None:
    found = engines.engine(text, "GCC 12", libraries)
    assert found is not None
    assert (found.name, found.version, found.kernels, found.kernels_version) == expected
    assert found.compiler == "GCC 12"


@pytest.mark.parametrize("text", ["", "none", "X-CUBE-AI of our own", "my X-CUBE-AI 7.3.0", "TVM"])
def test_other_engines_are_not_guessed(text: str) -> None:
    assert engines.engine(text, None, None) is None
    if text:
        assert engines.unknown_engine(text, None).name == text


@pytest.mark.parametrize("libraries", ["{", "[1]", '{"TVM": 3}', '{"TVM": {"SHA": 4}}', "[" * 10_000])
def test_libraries_that_are_no_object_of_commits(libraries: str) -> None:
    found = engines.engine("microTVM + CMSIS-NN", None, libraries)
    assert found is not None
    assert (found.version, found.kernels_version) == (None, None)


@pytest.mark.parametrize(
    ("processor", "kind", "expected"),
    [
        ("32-bit Arm Cortex-M4 (DSP + FPU)", "cortex-m4", "cortex-m4"),
        ("Arm Cortex-M4F", "cortex-m4", "cortex-m4"),
        ("32-bit Arm® Cortex®-M4 (DSP + FPU)", None, "cortex-m4"),
        ("Arm® Cortex®-M0+", None, "cortex-m0plus"),
        ("32-bit Arm Cortex-M0+", "cortex-m0+", "cortex-m0plus"),
        ("Arm Cortex-M33 32-bit RISC core", None, "cortex-m33"),
        ("32-bit Arm Cortex-M85", None, "cortex-m85"),
        ("ARM Cortex A9 Based", None, "cortex-a9"),
        ("ARM Cortex A9 Based", "fpga", "fpga"),
        ("HiFi3 + M0", "npu", "npu"),
        ("HiFi3 + M0", None, None),
        ("Broadcom BCM2711", "other", "cortex-a72"),
        ("AndesCore D25F, 5-stage, single-issue, RV32 IMACP", "riscv", "andes-d25f"),
        ("AndesCore NX27V, 5-stage, single-issue, RV64 IMACV", "riscv", "andes-nx27v"),
        ("RISC-V AndesCore AX45MP Single core", "riscv", "andes-ax45mp"),
        ("XuanTie C906 RISC-V", "riscv", "xuantie-c906"),
        ("RV32IMAC with FPU", "riscv", "rv32imac"),
        ("RISC-V 64GCVB Core", "riscv", "rv64gcvb"),
        ("RISC-V", "riscv", "riscv"),
        ("Renesas RXv2", "other", "rxv2"),
        ("32-bit RH850G3KH2.0 ", "other", "rh850g3kh"),
        ("Qualcomm Kryo CPU", None, None),
        ("", None, None),
    ],
)
def test_cores(processor: str, kind: str | None, expected: str | None) -> None:
    assert hardware.core(processor, kind) == expected


@pytest.mark.parametrize(
    ("accelerator", "expected"),
    [
        ("Syntiant Core 2", "npu"),
        ("Qualcomm Sensing Hub", "npu"),
        ("NE16", "npu"),
        ("ANPU", "npu"),
        ("Xilinx Z-7020, XC7Z020", "fpga"),
        ("Artix-7 C7A100TCSG324-1", "fpga"),
        ("DSP Co-processor", None),
        (None, None),
    ],
)
def test_accelerators(accelerator: str | None, expected: str | None) -> None:
    assert hardware.kind_of(accelerator) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120 MHz", 120_000_000),
        ("98.7 MHz", 98_700_000),
        ("650Mhz", 650_000_000),
        ("1.5Ghz", 1_500_000_000),
        ("277.5M", 277_500_000),
        ("614.4MHz", 614_400_000),
        ("336 MHZ", 336_000_000),
        ("32.768 kHz", 32_768),
        ("up to 3.4Ghz", None),
        ("120", None),
        ("0 MHz", None),
        ("0.0000001 kHz", None),
        ("", None),
    ],
)
def test_clocks(text: str, expected: int | None) -> None:
    assert hardware.clock_hz(text) == expected


@given(st.integers(1, 999_999_999))
def test_clocks_are_exact(hertz: int) -> None:
    assert hardware.clock_hz(f"{Decimal(hertz).scaleb(-6):f} MHz") == hertz
    assert hardware.clock_hz(f"{Decimal(hertz).scaleb(-9):f}GHz") == hertz


@pytest.mark.parametrize(
    ("board", "expected"),
    [
        ("Nucleo-L4R5ZI", "nucleo-l4r5zi"),
        ("NUCLEO_L4R5ZI", "nucleo-l4r5zi"),
        ("NUCLEO-L4R5ZI-P", "nucleo-l4r5zi-p"),
        ("K1_BOARD_V1.0", "k1-board-v1-0"),
        ("ADP-XC7K160/410", "adp-xc7k160-410"),
    ],
)
def test_boards(board: str, expected: str) -> None:
    assert hardware.device_id(board) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Available", "available"),
        ("Preview", "preview"),
        ("rdi", "research"),
        ("RDI", "research"),
        (None, None),
    ],
)
def test_availability(status: str | None, expected: str | None) -> None:
    assert hardware.availability(status) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("ad_fp32", "TensorFlow Int8 Quantization"), "fp32"),
        ((None, "INT8", "NUCLEO_float"), "int8"),
        ((None, None, "NUCLEO_H7A3ZI_float"), "float"),
        (("FP16",), "fp16"),
        (("PTQ", "NUCLEO_L4R5ZI"), None),
    ],
)
def test_number_formats(texts: tuple[str | None, ...], expected: str | None) -> None:
    assert hardware.number_format(*texts) == expected


@pytest.mark.parametrize(
    ("measured", "note", "expected"),
    [
        ("1800.0", "system: Operating at 3V", 1.8),
        ("6936.0", None, 6.936),
        (None, "system: Operating at 3 V with SMPS; runner voltage 1800 mV (results.json)", 1.8),
        (None, "system: Operating at 1.8V / SMPS", 1.8),
        (None, "Core VDD = 0.9V, VDD_IO = 1.8V", None),
        (None, None, None),
    ],
)
def test_supplies(measured: str | None, note: str | None, expected: float | None) -> None:
    assert hardware.supply_v(Decimal(measured) if measured else None, note) == expected
