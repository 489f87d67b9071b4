"""The table of the page "MCU against NPU", computed. Run as a program it writes the page again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import tinybench
from fakes import REPOSITORY
from tinybench import markdown, specs
from tinybench.models import Model
from tinybench.npu.vela import compile_model
from tinybench.quantities import quantity, size
from tinybench.results.schema import Result

PAGE = REPOSITORY / "site/docs/npus.md"
BOARD = "nucleo-l4r5zi"
SHIPPED = REPOSITORY / "submissions/2026.1/tinybench/st-nucleo-l4r5zi-simulated/results"
TASKS = {"kws": "Keyword spotting", "ad": "Anomaly detection"}
TASKS |= {"ic": "Image classification", "vww": "Visual wake words"}
OFFICIAL = {
    "kws": "kws_ref_model.tflite",
    "ad": "ad01_int8.tflite",
    "ic": "pretrainedResnet_quant.tflite",
    "vww": "vww_96_int8.tflite",
}
"""MLPerf Tiny's own models, as its repository calls them."""
HEADER = ("Device", "Mode", "Cycles", "Clock", "Latency", "Energy per inference", "SRAM", "Flash")


@dataclass(frozen=True)
class Estimate:
    """What Vela says of a model on an NPU."""

    cycles: int
    latency_s: float
    sram_bytes: int
    flash_bytes: int
    left: int
    """Operators that the NPU does not execute."""


def npus() -> list[str]:
    """Ids of the NPUs, the smallest first."""
    found = (name for name, device in specs.devices().items() if device.npu)
    return sorted(found, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])


def estimate(model: Model, name: str) -> Estimate:
    compiled = compile_model(model, specs.device(name).check_npu())
    summary = compiled.summary
    return Estimate(
        summary.cycles_total,
        summary.inference_s,
        summary.sram_bytes,
        summary.flash_bytes,
        compiled.cpu_operators,
    )


def shipped(task: str) -> Result:
    """The simulated result of the reference model that the repository holds."""
    (path,) = SHIPPED.glob(f"{task}_{task}_{BOARD}_tflm-sim_*.json")
    return Result.model_validate(json.loads(path.read_text()))


def rows(model: Model, board: Sequence[str]) -> Iterator[Sequence[str]]:
    yield board
    for name in npus():
        device, found = specs.device(name), estimate(model, name)
        assert found.left == 0, f"{name} leaves {found.left} operators of {model.name} to a core"
        yield (
            device.title,
            "predicted",
            f"{found.cycles:,}",
            f"{device.clock_hz.value / 1e6:g} MHz",
            quantity(found.latency_s, "s"),
            "not available",
            size(found.sram_bytes),
            size(found.flash_bytes),
        )


def board_row(
    cycles: float, clock_hz: int, energy_j: float | None, ram_bytes: float | None, flash_bytes: float | None
) -> tuple[str, ...]:
    return (
        specs.device(BOARD).title,
        "simulated; energy predicted",
        f"{cycles:,.0f}",
        f"{clock_hz / 1e6:g} MHz",
        quantity(cycles / clock_hz, "s"),
        "not available" if energy_j is None else quantity(energy_j, "J"),
        "not shown" if ram_bytes is None else size(int(ram_bytes)),
        "not shown" if flash_bytes is None else size(int(flash_bytes)),
    )


def reference_tables() -> str:
    """One table for each reference model."""
    parts = []
    for task, title in TASKS.items():
        result, spec = shipped(task), specs.model(task)
        assert result.model.sha256 == spec.sha256
        figures = {metric.name: metric.value for metric in result.metrics}
        board = board_row(
            figures["cycles.per_inference"],
            result.device.clock_hz,
            figures["energy.per_inference"],
            figures["memory.ram"],
            figures["memory.flash"],
        )
        table = markdown.table(HEADER, list(rows(Model.load(spec.path), board)))
        parts.append(f"### {title}: `{task}`\n\n{table}")
    return "\n".join(parts)


def official_tables(folder: Path) -> str:
    """The same for MLPerf Tiny's own models."""
    parts = []
    for task, title in TASKS.items():
        path = folder / OFFICIAL[task]
        profile = tinybench.profile(path, device=BOARD)
        board = board_row(profile.total.cycles, profile.device.clock_hz, profile.total.energy_j, None, None)
        table = markdown.table(HEADER, list(rows(Model.load(path), board)))
        parts.append(f"### {title}: `{path.name}`\n\n{table}")
    return "\n".join(parts)


def markers(what: str) -> tuple[str, str]:
    return f"<!-- {what}: computed -->\n\n", f"\n<!-- {what}: end -->"


def block(text: str, what: str) -> str:
    """What a page has between two markers."""
    begin, end = markers(what)
    return text.partition(begin)[2].partition(end)[0]


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    official = Path(os.environ["TINYBENCH_SHARED_DATA"]) / "mlperf_models"
    for what, tables in (("reference", reference_tables()), ("official", official_tables(official))):
        begin, end = markers(what)
        before, after = text.partition(begin)[0], text.partition(end)[2]
        text = f"{before}{begin}{tables}{end}{after}"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
