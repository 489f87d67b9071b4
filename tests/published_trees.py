"""Results repositories as MLPerf Tiny publishes them, made up, with all their irregularities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evidence_fixtures import Files, mlcommons_kws, published_kws

SYSTEM: Mapping[str, Any] = {
    "Submitter": "Somebody",
    "Division": "Closed",
    "Status": "Available",
    "Board Name": "NUCLEO-L4R5ZI",
    "SoC Name": "STM32L4R5ZIT6U",
    "Processor(s) Name": "32-bit Arm Cortex-M4 (DSP + FPU)",
    "Processor(s) Frequencies": "120 MHz",
    "Accelerator": "",
    "Accelerator(s) Frequencies": "",
    "Hardware Notes": "Operating at 1.8V",
    "Inference Framework": "X-CUBE-AI v9.0",
    "Software Libraries": "X-CUBE-AI v9.0",
    "Operating System ": "bare metal",
    "Quantization Method": "TensorFlow Int8 Quantization",
    "General Compiler(s)": "GCC 12",
}
CASE = "closed/Example/results/NUCLEO_L4R5ZI/kws"
SYSTEM_PATH = "closed/Example/systems/NUCLEO_L4R5ZI.json"


def write(root: Path, files: Mapping[str, bytes]) -> Path:
    """Files below a folder, by their paths."""
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def runs(files: Files, case: str = CASE) -> dict[str, bytes]:
    """Evidence, ``performance-log.txt``, as the files of a case, ``performance/log.txt``."""
    return {f"{case}/{name.replace('-', '/', 1)}": data for name, data in files.items()}


def system(**changes: str) -> bytes:
    """A description of a system."""
    return json.dumps({**SYSTEM, **changes}, indent=2).encode()


def eembc(case: str = CASE) -> dict[str, bytes]:
    """All runs of keyword spotting by EEMBC's runner: accuracy 92 %, 23.148 inferences per second."""
    return runs(published_kws()[1], case)


def mlcommons(case: str = CASE) -> dict[str, bytes]:
    """The same by MLCommons' runner."""
    return runs(mlcommons_kws()[1], case)


def repository(tmp_path: Path, files: Mapping[str, bytes] | None = None, round_: str = "v1.2") -> Path:
    """A results repository with one system, or with other files."""
    given = {**eembc(), SYSTEM_PATH: system()} if files is None else files
    return write(tmp_path / f"tiny_results_{round_}", given)
