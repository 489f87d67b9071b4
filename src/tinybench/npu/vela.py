"""Compile a model for an Arm Ethos-U with Vela, and read what Vela estimates; cached by content.

Vela is Arm's compiler for these NPUs (package ``ethos-u-vela``). It is started as a program of its own, the
same as by hand, and its figures are taken from its CSV files digit by digit.
"""

from __future__ import annotations

import csv
import hashlib
import io
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tinybench.cache import cache_dir, keep, kept
from tinybench.errors import ModelError, ToolchainError, UsageError
from tinybench.extras import installing
from tinybench.models import Model, Operator
from tinybench.specs import NpuSpec

PACKAGE: Final = "ethos-u-vela"
CONFIG: Final = "Arm/vela.ini"
"""Vela's own file of system configurations and memory modes."""
MAX_LOG_BYTES: Final = 64 * 1024
"""Of what Vela prints, which can be megabytes: so much of its end is kept."""

_TIMEOUT_S: Final = 300
_NAME: Final = "model"
"""Of every compiled file, so that what is cached depends on its content alone."""
_NPU_OPERATOR: Final = b"ethos-u"


@dataclass(frozen=True)
class Summary:
    """Vela's estimate of one inference: the row of its summary CSV. Traffic is in bytes per inference."""

    text: Mapping[str, str]
    """Column -> cell, digit by digit."""
    clock_hz: int
    inference_s: float
    cycles_total: int
    """All of the inference: for each operator the slowest of what follows, which overlap."""
    cycles_npu: int
    """Of the multipliers and the elementwise unit, and so on for each memory."""
    cycles_sram: int
    cycles_dram: int
    cycles_on_chip_flash: int
    cycles_off_chip_flash: int
    sram_bytes: int
    """Most that the tensors take at a time, buffers for weights included."""
    flash_bytes: int
    """Weights as the NPU reads them, its commands, and other constants."""
    sram_traffic: int
    flash_traffic: int
    macs: int


@dataclass(frozen=True)
class Row:
    """One operation that Vela made of the model: several can belong to one operator."""

    original: str
    """Vela's name of the operator of the model."""
    on_npu: bool
    cycles: int
    name: str
    """Of the tensor that it writes."""


@dataclass(frozen=True)
class Compiled:
    """A model compiled for one configuration of one NPU."""

    summary: Summary
    rows: tuple[Row, ...]
    """In the order of execution."""
    cpu_operators: int
    """Operators that are left to the core."""
    npu_calls: int
    """How often the core starts the NPU in an inference."""
    tflite: bytes
    """The compiled model."""
    summary_csv: bytes
    layers_csv: bytes
    log: bytes
    """The end of what Vela printed."""
    label: str
    """Vela and its version."""
    flags: tuple[str, ...]


def check_installed() -> str:
    """Version of Vela.

    Raises:
        UsageError: it is not installed.
    """
    try:
        found = version(PACKAGE)
    except PackageNotFoundError:
        found = None
    if found is None or find_spec("ethosu") is None:
        raise UsageError(
            f"the runner 'ethos-u' needs the package {PACKAGE}, which is not installed",
            hint=installing("npu"),
        )
    return found


def flags(npu: NpuSpec) -> tuple[str, ...]:
    """The options that Vela is started with, but for the folder that it writes to."""
    return (
        f"--accelerator-config={npu.accelerator}",
        f"--config={CONFIG}",
        f"--system-config={npu.system_config}",
        f"--memory-mode={npu.memory_mode}",
        "--verbose-performance",
    )


def compile_model(model: Model, npu: NpuSpec) -> Compiled:
    """Compile a model, or take from the cache what the same Vela made of the same bytes.

    Raises:
        UsageError: Vela is not installed.
        ModelError: Vela refuses the model; its own words are quoted.
        ToolchainError: it ran too long, or wrote what cannot be read.
        OutputError: the cache cannot be written.
    """
    found = check_installed()
    options = flags(npu)
    names = {
        "summary": f"{_NAME}_summary_{npu.system_config}.csv",
        "layers": f"{_NAME}_per-layer.csv",
        "tflite": f"{_NAME}_vela.tflite",
        "log": "vela.log",
    }
    folder = cache_dir() / "vela" / _key(found, options, model)
    there = {part: kept(folder / name) for part, name in names.items()}
    files = {part: data for part, data in there.items() if data is not None}
    if len(files) < len(names):
        files = _run(model, options, names)
        compiled = _read(files, found, options)  # before it is kept: what cannot be read is not
        for part, name in names.items():
            keep(folder / name, files[part])
        return compiled
    return _read(files, found, options)


def by_operator(model: Model, rows: Sequence[Row]) -> dict[int, tuple[Row, ...]] | None:
    """The rows of each operator, by its index; None if Vela's names do not tell where they belong.

    A row that writes the tensor of an operator is of that operator, and so are those before it of the same
    kind, whose tensors Vela made up: parts of a softmax, a convolution before its activation. An operator
    without rows costs nothing: Vela found a way around it, as around every ``RESHAPE``.
    """
    writers = {tensor.name: operator for operator in model.operators for tensor in operator.outputs}
    if len(writers) != sum(len(operator.outputs) for operator in model.operators):
        return None
    found: dict[int, list[Row]] = {operator.index: [] for operator in model.operators}
    pending: list[Row] = []
    for row in rows:
        if any(row.original != other.original for other in pending):
            return None
        pending.append(row)
        writer = _writer(writers, row)
        if writer is not None:
            found[writer.index] += pending
            pending = []
    return None if pending else {index: tuple(own) for index, own in found.items()}


def _writer(writers: Mapping[str, Operator], row: Row) -> Operator | None:
    from tinybench.models.graph import printable

    operator = writers.get(printable(row.name.encode()))
    while operator is not None and operator.kind == "RESHAPE" and row.original != "Reshape":
        # The reshape is gone, and the operator before it writes its tensor.
        source = operator.inputs[0]
        operator = writers.get(source.name) if source is not None else None
    return operator


def _key(found: str, options: Sequence[str], model: Model) -> str:
    digest = hashlib.sha256()
    for part in (PACKAGE, found, *options, model.sha256):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:32]


def _run(model: Model, options: Sequence[str], names: Mapping[str, str]) -> dict[str, bytes]:
    """Start Vela in a scratch folder; gives its files by what they are."""
    try:
        with tempfile.TemporaryDirectory(prefix="tinybench-") as scratch, tempfile.TemporaryFile() as said:
            folder = Path(scratch)
            (folder / f"{_NAME}.tflite").write_bytes(model.data)
            command = (sys.executable, "-m", "ethosu.vela", f"{_NAME}.tflite", *options, "--output-dir=.")
            try:
                done = subprocess.run(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    timeout=_TIMEOUT_S,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise ToolchainError(
                    f"Vela ran for over {_TIMEOUT_S} s", hint="try again on an idle machine"
                ) from None
            said.seek(max(0, said.tell() - MAX_LOG_BYTES))
            log = said.read(MAX_LOG_BYTES)
            if done.returncode != 0:
                raise ModelError(
                    f"{model.path}: Vela refuses it: {_reason(log)}",
                    hint="change the model, or measure it on a microcontroller with --runner tflm-sim",
                )
            written = {part: folder / name for part, name in names.items() if part != "log"}
            missing = [path.name for path in written.values() if not path.is_file()]
            if missing:
                raise _unreadable(f"it did not write {missing[0]}")
            return {**{part: path.read_bytes() for part, path in written.items()}, "log": log}
    except OSError as error:
        raise ToolchainError(
            f"cannot run Vela in {tempfile.gettempdir()}: {error.strerror}",
            hint="free the disk or set TMPDIR",
        ) from None


def _reason(log: bytes) -> str:
    """What Vela says is wrong: its last line with an error, and the indented one below it."""
    lines = log.decode("utf-8", "replace").splitlines()
    telling = [number for number, line in enumerate(lines) if "error" in line.lower()]
    if not telling:
        return next((line.strip() for line in reversed(lines) if line.strip()), "it does not say why")
    at = telling[-1]
    more = [line.strip(" -") for line in lines[at + 1 : at + 2] if line.startswith(" -")]
    return ": ".join([lines[at].strip(), *more])[:300]


def _read(files: Mapping[str, bytes], found: str, options: tuple[str, ...]) -> Compiled:
    try:
        cpu, npu = _operators(files["tflite"])
        compiled = Compiled(
            summary=_summary(files["summary"]),
            rows=_rows(files["layers"]),
            cpu_operators=cpu,
            npu_calls=npu,
            tflite=files["tflite"],
            summary_csv=files["summary"],
            layers_csv=files["layers"],
            log=files["log"],
            label=f"{PACKAGE} {found}",
            flags=options,
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, csv.Error, struct.error):
        raise _unreadable("its output is not what this version writes") from None
    total = sum(row.cycles for row in compiled.rows)
    if total != compiled.summary.cycles_total:
        raise _unreadable(f"its layers sum to {total} cycles, its summary to {compiled.summary.cycles_total}")
    left = sum(not row.on_npu for row in compiled.rows)
    if left != cpu:
        raise _unreadable(f"its table leaves {left} operators to the core, the compiled model {cpu}")
    return compiled


def _unreadable(why: str) -> ToolchainError:
    return ToolchainError(f"Vela's output cannot be used: {why}", hint=installing("npu"))


def _summary(data: bytes) -> Summary:
    (cells,) = csv.DictReader(io.StringIO(data.decode()), strict=True)
    if None in cells or None in cells.values():
        raise ValueError("cells")
    return Summary(
        text=cells,
        clock_hz=_whole(cells["core_clock"]),
        inference_s=float(cells["inference_time"]),
        cycles_total=_whole(cells["cycles_total"]),
        cycles_npu=_whole(cells["cycles_npu"]),
        cycles_sram=_whole(cells["cycles_sram_access"]),
        cycles_dram=_whole(cells["cycles_dram_access"]),
        cycles_on_chip_flash=_whole(cells["cycles_on_chip_flash_access"]),
        cycles_off_chip_flash=_whole(cells["cycles_off_chip_flash_access"]),
        sram_bytes=_whole(cells["sram_memory_used"], 1024),
        flash_bytes=_whole(cells["off_chip_flash_memory_used"], 1024)
        + _whole(cells["on_chip_flash_memory_used"], 1024),
        sram_traffic=_whole(cells["sram_total_bytes"]),
        flash_traffic=_whole(cells["off_chip_flash_total_bytes"])
        + _whole(cells["on_chip_flash_total_bytes"]),
        macs=_whole(cells["nn_macs"]),
    )


def _whole(cell: str, times: int = 1) -> int:
    """A cell that stands for a whole number, such as ``72.734375`` KiB in bytes."""
    value = Fraction(cell) * times
    if value < 0 or value.denominator != 1:
        raise ValueError(cell)
    return int(value)


def _rows(data: bytes) -> tuple[Row, ...]:
    rows = tuple(
        Row(
            original=cells["Original Operator"],
            on_npu={"NPU": True, "CPU": False}[cells["Target"]],
            cycles=_whole(cells["Op Cycles"]),
            name=cells["Name"],
        )
        for cells in csv.DictReader(io.StringIO(data.decode()), strict=True)
    )
    if any(row.name is None for row in rows):
        raise ValueError("cells")
    return rows


def _operators(data: bytes) -> tuple[int, int]:
    """How many operators of a compiled model the core executes, and how many are calls of the NPU."""
    from tflite_micro.python.tflite_micro.runtime import schema_fb as schema

    if data[4:8] != b"TFL3":
        raise ValueError("no .tflite file")
    root = schema.Model.GetRootAs(data, 0)
    graph = root.Subgraphs(0)
    codes = (
        root.OperatorCodes(graph.Operators(i).OpcodeIndex()).CustomCode()
        for i in range(graph.OperatorsLength())
    )
    on_npu = [code == _NPU_OPERATOR for code in codes]
    return on_npu.count(False), on_npu.count(True)
