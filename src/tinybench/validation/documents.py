"""What a validation says, as JSON, as CSV, and as the generated part of the methodology page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tinybench.atomic import write_atomically
from tinybench.errors import ContentError
from tinybench.specs import DeviceSpec
from tinybench.validation.compare import Metric, Row, Summary, Validation, is_calibration, is_current
from tinybench.validation.intervals import intervals, intervals_toml, left_out
from tinybench.validation.simulate import Case

BEGIN: Final = "<!-- begin of what 'tinybench sim validate' writes -->"
END: Final = "<!-- end of what 'tinybench sim validate' writes -->"

FIGURE: Final = "validation.svg"

_COLUMNS: Final = (
    "round",
    "organisation",
    "device",
    "engine",
    "clock_hz",
    "task",
    "role",
    "interval",
    "latency_published_s",
    "latency_simulated_s",
    "latency_error",
    "latency_baseline_error",
    "latency_leave_one_out_error",
    "energy_published_j",
    "energy_simulated_j",
    "energy_error",
    "energy_unavailable",
    "source",
)


def row_record(row: Row) -> dict[str, Any]:
    """One row in SI units; errors are fractions, predicted over published less one."""
    published = row.published
    values = (
        published.round,
        published.organisation,
        published.device,
        published.engine,
        published.clock_hz,
        published.task,
        published.role,
        published.interval,
        published.latency_s,
        row.latency_s(),
        row.error("latency"),
        row.error("latency", "baseline"),
        row.error("latency", "leave_one_out"),
        published.energy_j,
        row.energy_j(),
        row.error("energy"),
        row.energy_unavailable,
        published.source,
    )
    return dict(zip(_COLUMNS, values, strict=True))


def to_document(validation: Validation) -> dict[str, Any]:
    """All of it, as JSON types."""
    metrics: tuple[Metric, ...] = ("latency", "energy")
    return {
        "cycles_per_mac": validation.cycles_per_mac,
        "rows": [row_record(row) for row in validation.rows],
        "summaries": {
            metric: {name: _summary_record(summary) for name, summary in summaries(validation, metric)}
            for metric in metrics
        },
        "intervals": [item.model_dump() for item in intervals(validation)],
        "leave_one_board_out": {
            metric: asdict(found) if (found := left_out(validation, metric)) else None for metric in metrics
        },
        "uncovered": dict(validation.uncovered),
        "failures": list(validation.failures()),
    }


def to_csv(validation: Validation) -> bytes:
    """The rows, one line each."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row_record(row) for row in validation.rows)
    return text.getvalue().encode()


def write_files(validation: Validation, folder: Path) -> tuple[Path, ...]:
    """Write validation.json, validation.csv and intervals.toml into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    document = json.dumps(to_document(validation), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    files = {
        "validation.json": document.encode(),
        "validation.csv": to_csv(validation),
        "intervals.toml": intervals_toml(validation),
    }
    for name, data in files.items():
        write_atomically(folder / name, data)
    return tuple(folder / name for name in files)


def replace_block(page: str, block: str, name: str) -> str:
    """The page with another generated part.

    Raises:
        ContentError: the page does not have both markers once.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ContentError(
            f"{name}: the markers of the generated part are not there once", hint=f"{BEGIN} … {END}"
        )
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    return f"{before}{BEGIN}\n{block}{END}{after}"


def generated_block(page: str) -> str:
    """What is between the markers of a page."""
    return page.partition(BEGIN)[2].partition(END)[0].removeprefix("\n")


def page_block(validation: Validation, devices: Mapping[str, DeviceSpec]) -> str:
    """Markdown: every row, means, baselines, intervals, and other engines beside."""
    parts = [
        _rows_section(validation),
        _summary_section(validation),
        _interval_section(validation),
        _context_section(validation, devices),
    ]
    return "\n" + "\n".join(part for part in parts if part) + "\n"


def _rows_section(validation: Validation) -> str:
    header = (
        "Board",
        "Model",
        "Published by",
        "Role",
        "Latency, published",
        "simulated",
        "error",
        "Energy, published",
        "simulated",
        "error",
    )
    lines = [
        (
            f"`{row.published.device}`",
            f"`{row.published.task}`",
            f"{row.published.round} {row.published.organisation}, {row.published.engine}",
            row.published.role,
            _milli(row.published.latency_s, "s"),
            _milli(row.latency_s(), "s"),
            percent(row.error("latency")),
            _milli(row.published.energy_j, "J"),
            _milli(row.energy_j(), "J"),
            percent(row.error("energy")),
        )
        for row in sorted(validation.rows, key=_order)
    ]
    text = "### Every published row with CMSIS-NN kernels\n\n" + _table(header, lines, "llll")
    if validation.uncovered:
        missing = "; ".join(f"{reason} ({count} rows)" for reason, count in validation.uncovered.items())
        text += f"\nNot covered: {missing}.\n"
    return text


def _summary_section(validation: Validation) -> str:
    lines = []
    metrics: tuple[Metric, ...] = ("latency", "energy")
    for metric in metrics:
        for name, summary in summaries(validation, metric):
            worst = summary.worst.published
            lines.append(
                (
                    metric,
                    name if " " in name else f"`{name}`",
                    str(summary.rows),
                    percent(summary.mape, sign=False),
                    f"{percent(summary.worst_error)} (`{worst.task}`, {worst.round} {worst.organisation})",
                    percent(summary.baseline_mape, sign=False),
                    percent(summary.leave_one_out_mape, sign=False),
                )
            )
    header = ("Figure", "Rows", "n", "Simulator", "its worst", "Cycles per MAC", "the same, left out")
    return (
        "### Mean absolute percentage error, beside a baseline\n\n"
        "Of a board: its rows with today's kernels, that is without those of v0.5. The baseline is "
        f"{validation.cycles_per_mac:.2f} cycles\nper MAC for everything: the geometric mean of the "
        "calibration rows. Left out: fitted on the calibration rows of the\nother models. Its energy is its "
        "latency times the simulator's power.\n\n" + _table(header, lines, "ll")
    )


def _interval_section(validation: Validation) -> str:
    lines = [
        (
            item.metric.partition(".")[0],
            f"`{item.device}`" if item.device else "any other board",
            f"{percent(1 / item.factor - 1)} to {percent(item.factor - 1)}",
            percent(item.rms_log_error, sign=False),
            str(item.cases),
            str(item.boards),
            str(item.degrees_of_freedom),
        )
        for item in intervals(validation)
    ]
    header = ("Figure", "Board", "Hardware within", "rms error", "Cases", "Boards", "Degrees of freedom")
    text = "### Prediction intervals, 95 %\n\n" + _table(header, lines, "ll")
    found = left_out(validation, "latency")
    if found:
        text += (
            "\nLeft out one board at a time, the interval from the others holds "
            f"{found.inside} of {found.cases} latencies.\n"
        )
    return text


def _context_section(validation: Validation, devices: Mapping[str, DeviceSpec]) -> str:
    models = {row.published.task: row.published.model_sha256 for row in validation.rows}
    lines = []
    for device in sorted({row.device for row in validation.context}):
        for task in sorted({row.task for row in validation.context if row.device == device}):
            rows = [row for row in validation.context if (row.device, row.task) == (device, task)]
            rows = [row for row in rows if row.clock_hz == devices[device].clock_hz.value]
            if not rows:
                continue
            fast, slow = (pick(rows, key=lambda row: row.latency_s) for pick in (min, max))
            case = Case(device, rows[0].clock_hz, models.get(task) or "")
            done = validation.simulations.done.get(case)
            lines.append(
                (
                    f"`{device}`",
                    f"`{task}`",
                    _milli(done.latency_s if done else None, "s"),
                    f"{_milli(fast.latency_s, 's')} ({fast.engine}, {fast.round})",
                    f"{_milli(slow.latency_s, 's')} ({slow.engine}, {slow.round})",
                    str(len(rows)),
                )
            )
    if not lines:
        return ""
    header = ("Board", "Model", "Simulated, CMSIS-NN", "Fastest published", "Slowest published", "n")
    return "### Beside other engines (context, no targets)\n\n" + _table(header, lines, "ll")


def summaries(validation: Validation, metric: Metric) -> list[tuple[str, Summary]]:
    """Named groups of rows: the calibration rows, each board, all of them."""

    def of_board(board: str) -> Summary | None:
        return validation.summary(metric, lambda row: is_current(row) and row.published.device == board)

    named = [
        ("calibration rows", validation.summary(metric, is_calibration)),
        *((board, of_board(board)) for board in validation.boards()),
        ("all boards", validation.summary(metric, is_current)),
        ("all rows, with v0.5", validation.summary(metric)),
    ]
    return [(name, summary) for name, summary in named if summary is not None]


def _summary_record(summary: Summary) -> dict[str, Any]:
    return {
        "rows": summary.rows,
        "mape": summary.mape,
        "baseline_mape": summary.baseline_mape,
        "leave_one_out_mape": summary.leave_one_out_mape,
        "worst": summary.worst.published.source,
        "worst_error": summary.worst_error,
    }


def _order(row: Row) -> tuple[str, bool, str, str, str]:
    published = row.published
    return (
        published.device,
        published.role != "calibration",
        published.round,
        published.organisation,
        published.task,
    )


def percent(value: float | None, *, sign: bool = True) -> str:
    """A fraction as people read it; a dash for none."""
    if value is None:
        return "–"
    return f"{value * 100:+.1f} %" if sign else f"{value * 100:.1f} %"


def _milli(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value * 1e3:.2f} ms" if unit == "s" else f"{value * 1e3:.3f} m{unit}"


def _table(header: Sequence[str], lines: Iterable[Sequence[str]], left: str) -> str:
    rule = ["---" if index < len(left) else "---:" for index in range(len(header))]
    rows = [f"| {' | '.join(cells)} |" for cells in (header, *lines)]
    return "\n".join([rows[0], f"|{'|'.join(rule)}|", *rows[1:]]) + "\n"
