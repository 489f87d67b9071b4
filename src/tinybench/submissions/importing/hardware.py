"""Typed cores, clocks, boards and supplies out of the free text in which submitters describe them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from tinybench.submissions.layout import slug
from tinybench.submissions.system import Availability

_CLOCK: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)\s*([kMG])(?:Hz)?", re.IGNORECASE)
_FACTORS: Final = {"k": 10**3, "m": 10**6, "g": 10**9}

_CORES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), core)
    for pattern, core in (
        # Also with a registered sign behind the word: Arm® Cortex®-M4.
        (r"Cortex\W{0,3}M0(?:\+|plus)", "cortex-m0plus"),
        (r"Cortex\W{0,3}M(\d{1,3})(?!\d|\+)", r"cortex-m\1"),
        (r"Cortex\W{0,3}A ?(\d{1,3})\b", r"cortex-a\1"),
        # Raspberry Pi documentation, BCM2711: four Cortex-A72.
        (r"BCM2711\b", "cortex-a72"),
        (r"Andes(?:Core)? ((?:AX|NX|D|N|A)\d{2}[A-Z]*)", r"andes-\1"),
        (r"XuanTie ([CE]\d{3})", r"xuantie-\1"),
        (r"\bRV32IMAC\b", "rv32imac"),
        (r"RISC-V 64GCVB\b", "rv64gcvb"),
        (r"\bRXv(\d)\b", r"rxv\1"),
        (r"RH850(G\d[A-Z]+)", r"rh850\1"),
        (r"Microblaze", "microblaze"),
        (r"RISC-?V\b", "riscv"),
    )
)
_ACCELERATORS: Final = (
    (re.compile(r"\bXC[67]|\bXCVU|Artix|Kintex|Virtex|Zynq|\bVCU\d|FPGA", re.IGNORECASE), "fpga"),
    (re.compile(r"NPU\b|\bNE16\b|Syntiant Core|Sensing Hub|Ethos", re.IGNORECASE), "npu"),
)

_FORMATS: Final = (
    (re.compile(r"int8|8-bit", re.IGNORECASE), "int8"),
    (re.compile(r"fp16|float16", re.IGNORECASE), "fp16"),
    (re.compile(r"fp32|float32", re.IGNORECASE), "fp32"),
    (re.compile(r"float", re.IGNORECASE), "float"),  # of which size, it does not say
)
_OPERATING: Final = re.compile(r"Operating at (\d{1,2}(?:\.\d{1,3})?) ?V\b")
_RUNNER_SUPPLY: Final = re.compile(r"runner voltage (\d{1,6}) mV")


def core(processor: str, kind: str | None = None) -> str | None:
    """The core that executes the model, or that stands beside what executes it.

    Args:
        processor: the submitter's text, such as ``32-bit Arm Cortex-M4 (DSP + FPU)``.
        kind: ``npu`` or ``fpga`` where those execute the model; anything else leaves it to the text.

    Returns:
        The id as in our device profiles; the kind; None if the text is none of those known.
    """
    if kind in ("npu", "fpga"):
        return kind
    for pattern, name in _CORES:
        found = pattern.search(processor)
        if found is not None:
            return found.expand(name).lower()
    return None


def kind_of(accelerator: str | None) -> str | None:
    """``npu`` or ``fpga`` if the text names such an accelerator, which then executes the model."""
    for pattern, kind in _ACCELERATORS:
        if accelerator is not None and pattern.search(accelerator):
            return kind
    return None


def clock_hz(text: str) -> int | None:
    """A clock in Hz, exactly; None if the text is not one frequency ("up to 3.4 GHz" is not one)."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hertz = Decimal(found[1]) * _FACTORS[found[2].lower()]
    return int(hertz) if hertz == hertz.to_integral_value() and hertz > 0 else None


def device_id(board: str) -> str:
    """The id of a board: that of our device profile if we have one of this very board.

    ``Nucleo-L4R5ZI`` and ``NUCLEO_L4R5ZI`` are ``nucleo-l4r5zi``; a board of another name is another board.

    Raises:
        UsageError: no letter or digit of it can be written in ASCII.
    """
    return re.sub(r"[-_.]+", "-", slug(board))


def availability(status: str | None) -> Availability | None:
    """Category of the system; None if none of MLPerf Tiny's is stated."""
    match (status or "").strip().lower():
        case "available":
            return "available"
        case "preview":
            return "preview"
        case "rdi":
            return "research"
    return None


def number_format(*texts: str | None) -> str | None:
    """Format of weights and activations by the first text that names one.

    It is ``int8``, ``fp16``, ``fp32``, or ``float`` where the text does not say of which size.
    """
    for text in texts:
        for pattern, name in _FORMATS:
            if text is not None and pattern.search(text):
                return name
    return None


def supply_v(measured_mv: Decimal | None, note: str | None) -> float | None:
    """Supply of the energy run in V.

    Args:
        measured_mv: what the energy monitor measured.
        note: text with the setting of the runner, or what the system file states, used in this order.
    """
    if measured_mv is not None:
        return float(measured_mv / 1000)
    setting = _RUNNER_SUPPLY.search(note or "")
    if setting is not None:
        return float(Decimal(setting[1]) / 1000)
    stated = _OPERATING.search(note or "")
    return float(stated[1]) if stated is not None else None
