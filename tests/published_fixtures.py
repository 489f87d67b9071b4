"""Tables of published results that the tests make up."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from tinybench.mlperf_tiny.published import COLUMNS, PublishedRow

ROW: Mapping[str, str] = dict.fromkeys(COLUMNS, "") | {
    "round": "v1.2",
    "division": "closed",
    "organization": "Example",
    "system": "NUCLEO_L4R5ZI",
    "board": "NUCLEO-L4R5ZI",
    "processor": "32-bit Arm Cortex-M4 (DSP + FPU)",
    "isa_core": "cortex-m4",
    "frequency_mhz": "120.0",
    "frequency_text": "120 MHz",
    "engine": "X-CUBE-AI 9.0",
    "engine_norm": "x-cube-ai",
    "compiler": "GCC 12",
    "quantization": "TensorFlow Int8 Quantization",
    "task": "kws",
    "median_throughput_ips": "23.155",
    "latency_ms": "43.187217",
    "energy_uj_per_inference": "1820.454",
    "energy_mode_throughput_ips": "23.175",
    "accuracy_top1": "0.902",
    "auc": "0.99",
    "emon_measured_voltage_mv": "1800.0",
    "status": "Available",
    "source_path": "closed/Example/results/NUCLEO_L4R5ZI/kws",
}


def row(line: int = 2, **cells: str) -> PublishedRow:
    """A row that no finding is about, but for the cells that are given."""
    return PublishedRow(line, {**ROW, **cells})


def write_table(path: Path, *rows: Mapping[str, str]) -> Path:
    """A CSV of rows like ``ROW``."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({**ROW, **cells} for cells in rows)
    return path
