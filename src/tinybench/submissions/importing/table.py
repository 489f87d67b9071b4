"""A table of published MLPerf Tiny results, as submissions: one for each round, organisation and system.

The table gives figures and texts; logs are not read, so nothing here is recomputed. What it leaves empty
stays unknown, or unavailable with that reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from tinybench import specs
from tinybench.errors import DataError, UsageError
from tinybench.mlperf_tiny.published import PublishedRow
from tinybench.mlperf_tiny.tasks import BENCHMARKS
from tinybench.results.schema import (
    ACCURACY,
    METRIC_NAMES,
    Accelerator,
    DeviceRef,
    Engine,
    Metric,
    MetricName,
    Result,
    is_decisive,
    meets,
    new_result,
)
from tinybench.submissions import text
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.importing import engines, hardware, mlperf
from tinybench.submissions.importing.writing import Draft
from tinybench.submissions.layout import Place, slug
from tinybench.submissions.rules.agreement import apart
from tinybench.submissions.system import Division, System

LATENCY: Final = rule(
    "TB911",
    "published-latency-contradicts-throughput",
    "warning",
    title="Published latency is not the inverse of published throughput",
    why="""Both are said of the same median window, so they are each other's inverse within what printing
    rounds away.""",
    hint="Look into the performance log of the run: the laps decide.",
)
RUNS_DISAGREE: Final = rule(
    "TB912",
    "published-runs-disagree",
    "warning",
    title="The energy run was not as fast as the performance run",
    why="""Energy is measured in a run of its own. The firmware may differ by a serial speed and a pin, not in
    what it computes: where the throughput of the two runs is more than 5 % apart, energy and latency were not
    measured on the same thing, or one of the windows was not found.""",
    hint="Compare the windows of both logs; the row is not a pair of latency and energy until that is clear.",
)
BELOW_TARGET: Final = rule(
    "TB913",
    "published-below-target",
    "warning",
    title="A closed result misses the quality target",
    why="""In the closed division a result counts only if the accuracy reaches the target: kws 90 %, vww 80 %
    and ic 85 % top-1, ad 0.85 AUC, sww at most 8 false positives and 8 false negatives.""",
    hint="Do not compare its latency with results that reach the target.",
)
NO_ACCURACY: Final = rule(
    "TB914",
    "published-accuracy-missing",
    "warning",
    title="A result has no accuracy",
    why="""Without the accuracy nobody knows whether what was timed computes the task. The table has none,
    because the published tree had none in a form that could be read.""",
    hint="Look into the accuracy log in the repository of the round.",
)
REPEATED: Final = rule(
    "TB915",
    "published-figures-repeated",
    "note",
    title="The same figures were published before",
    why="""Two measurements hardly ever agree in every digit of throughput and energy. Where
    rows do, an earlier measurement was very likely published again, in a later round or under another
    name: a fact worth knowing for whoever counts improvements over the rounds.""",
    hint="Cite the first publication.",
)

_AGREE: Final = Decimal("0.05")
"""Performance and energy runs."""
_ROUNDING: Final = Decimal("1e-4")
"""Throughput is printed with three decimals: 0.02 % of the slowest system; latencies have six."""
_SWW_LIMIT: Final = 8
"""Run rules of v1.3: false positives and false negatives of sww, each."""

_FIGURES: Final[dict[MetricName, tuple[str, int]]] = {
    "accuracy.top1": ("accuracy_top1", 0),
    "accuracy.auc": ("auc", 0),
    "latency.per_inference": ("latency_ms", -3),
    "throughput": ("median_throughput_ips", 0),
    "energy.per_inference": ("energy_uj_per_inference", -6),
    "power.average": ("sww_power_mw", -3),
    "streaming.true_positives": ("sww_tp", 0),
    "streaming.false_negatives": ("sww_fn", 0),
    "streaming.false_positives": ("sww_fp", 0),
    "streaming.duty_cycle": ("sww_duty_cycle", 0),
    "streaming.period": ("sww_period_s", 0),
}
"""Metric -> column, and the power of ten that makes it SI."""

_IN_SOURCE: Final = ("round", "division", "organization", "system", "source_path")
"""Columns that ``Source`` holds as they stand; the other ones go into its ``original``."""
_NAMES: Final = ("board", "accelerator", "engine")
"""Columns that become names, which have to be shorter and plainer than other texts."""
_OF_SYSTEM: Final = (
    "board",
    "processor",
    "isa_core",
    "frequency_text",
    "accelerator",
    "accelerator_frequency_mhz",
    "engine",
    "compiler",
    "software_libraries",
    "hardware_notes",
    "software_notes",
    "os",
    "status",
)
"""Columns that all rows of a system share."""


def convert(rows: Iterable[PublishedRow]) -> tuple[Draft, ...]:
    """The submissions that a table makes, in the order of their places.

    Raises:
        DataError: rows contradict each other about one system, two systems would share a folder, or one has
            a name that none can have here.
    """
    systems: dict[mlperf.Named, list[PublishedRow]] = defaultdict(list)
    for row in rows:
        named = mlperf.Named(row["round"], _division(row), row["organization"], row["system"])
        systems[named].append(row)
    for named, group in systems.items():
        for row in group:
            flaw = mlperf.name_flaw(named, row.text("model_variant")) or _text_flaw(row)
            if flaw is not None:
                raise DataError(f"line {row.line}: {flaw}", hint="correct the text")
    places = mlperf.places(systems)
    drafts = [_draft(places[named], group) for named, group in systems.items()]
    return tuple(sorted(drafts, key=lambda draft: draft.place.path))


def findings(rows: Iterable[PublishedRow]) -> Iterator[Finding]:
    """What a table says that cannot all be so, or that is not said; in the order of its rows."""
    first: dict[tuple[Decimal | str, ...], PublishedRow] = {}
    for row in rows:
        yield from _texts(row)
        yield from _latency(row)
        yield from _quality(row)
        figures = ("median_throughput_ips", "energy_uj_per_inference", "energy_mode_throughput_ips")
        numbers = [number for number in map(row.number, figures) if number is not None]
        if len(numbers) == len(figures):
            earlier = first.setdefault((row["task"], *numbers), row)
            if earlier is not row:
                yield REPEATED.found(row.label, f"same throughput and energy as {earlier.label}")


def _texts(row: PublishedRow) -> Iterator[Finding]:
    if _known_engine(row) is None:
        yield mlperf.NOT_NORMALISED.found(row.label, f"engine '{row['engine']}' is none of those known")
    processor = row.text("processor")
    if processor is not None and _core(row) is None:
        yield mlperf.NOT_NORMALISED.found(row.label, f"processor '{processor}' is none of those known")
    clock = row.text("frequency_text")
    if clock is not None and hardware.clock_hz(clock) is None:
        yield mlperf.NOT_NORMALISED.found(row.label, f"'{clock}' is not one clock")


def _latency(row: PublishedRow) -> Iterator[Finding]:
    throughput, latency = row.number("median_throughput_ips"), row.number("latency_ms")
    if throughput and latency and abs(throughput * latency / 1000 - 1) > _ROUNDING:
        yield LATENCY.found(row.label, f"{latency} ms is not 1 / ({throughput} 1/s)")
    in_energy = row.number("energy_mode_throughput_ips")
    if throughput and in_energy and abs(in_energy / throughput - 1) > _AGREE:
        change = apart(float(in_energy / throughput - 1), float(_AGREE))
        yield RUNS_DISAGREE.found(
            row.label,
            f"{throughput} 1/s in the performance run, {in_energy} 1/s in the energy run ({change})",
        )


def _quality(row: PublishedRow) -> Iterator[Finding]:
    benchmark = BENCHMARKS[row["task"]]
    if benchmark.metric is None or benchmark.target is None:
        misses = [row.number("sww_fp"), row.number("sww_fn")]
        if row["division"] == "closed" and any(count and count > _SWW_LIMIT for count in misses):
            yield BELOW_TARGET.found(row.label, f"{misses[0]} false positives, {misses[1]} false negatives")
        return
    column, _ = _FIGURES[ACCURACY[benchmark.metric]]
    accuracy = row.number(column)
    if accuracy is None:
        yield NO_ACCURACY.found(row.label, f"{column} is empty")
    elif row["division"] == "closed" and float(accuracy) < benchmark.target:
        yield BELOW_TARGET.found(row.label, f"{column} {accuracy}, the target is {benchmark.target}")


def _text_flaw(row: PublishedRow) -> str | None:
    """Why a result could not hold the texts of a row; None if it can."""
    for column, cell in row.columns.items():
        found = text.name_flaw(cell) if cell and column in _NAMES else text.flaw(cell)
        if found is not None:
            return f"{column}: {found.reason}"
    try:
        hardware.device_id(row["board"])
    except UsageError as error:
        return f"board: {error.message}"
    return None


def _draft(place: Place, rows: list[PublishedRow]) -> Draft:
    first = rows[0]
    for row in rows:
        for column in _OF_SYSTEM:
            if row[column] != first[column]:
                raise DataError(
                    f"line {row.line}: {column}: '{row[column]}', but '{first[column]}' on line {first.line} "
                    f"for the same system {first['system']}",
                    hint="all rows of a system describe the same one",
                )
    results = {_name(row): _result(row) for row in rows}
    if len(results) != len(rows):
        raise DataError(
            f"line {first.line}: {first['system']}: two rows have the same task and variant",
            hint="tell them apart by model_variant",
        )
    return Draft(place=place, system=_system(first, list(results.values())), results=results, evidence={})


def _name(row: PublishedRow) -> str:
    variant = row.text("model_variant")
    return f"{row['task']}-{slug(variant)}.json" if variant else f"{row['task']}.json"


def _system(row: PublishedRow, results: list[Result]) -> System:
    devices = [result.device for result in results if isinstance(result.device, DeviceRef)]
    device = devices[0]
    supplies = {device.supply_v for device in devices if device.supply_v is not None}
    notes = {
        "hardware": row.text("hardware_notes"),
        "operating system": row.text("os"),
        "software": row.text("software_notes"),
    }
    return System(
        title=row["system"],
        organisation=mlperf.display_name(row["organization"]),
        division=_division(row),
        availability=hardware.availability(row.text("status")),
        licence=mlperf.LICENCE,
        board=device.board,
        device=device.id if device.id in specs.devices() else None,
        chip=device.chip,
        core=device.core,
        clock_hz=device.clock_hz,
        supply_v=supplies.pop() if len(supplies) == 1 else None,
        accelerator=device.accelerator,
        engine=_engine(row),
        notes="; ".join(f"{name}: {text}" for name, text in notes.items() if text) or None,
    )


def _result(row: PublishedRow) -> Result:
    task, round_ = row["task"], row["round"]
    division = _division(row)
    metrics = tuple(_metrics(row))
    data = mlperf.data_ref(task, round_)
    published = mlperf.source(
        round_=round_,
        division=division,
        task=task,
        organisation=row["organization"],
        system=row["system"],
        path=row["source_path"],
        original={column: text for column, text in row.columns.items() if text and column not in _IN_SOURCE},
    )
    target = BENCHMARKS[task].target
    accuracy = next((metric for metric in metrics if metric.name.startswith("accuracy.")), None)
    variant = row.text("model_variant")
    number_format = hardware.number_format(variant, row.text("quantization"), row["system"])
    return new_result(
        created=mlperf.CREATED,
        tool=mlperf.TOOL,
        task=mlperf.task_ref(task),
        data=data,
        model=mlperf.model_ref(division, task, row["organization"], variant, number_format),
        device=_device(row),
        engine=_engine(row),
        runner=mlperf.UNKNOWN_RUNNER,
        source=published,
        metrics=metrics,
        unavailable=tuple(
            mlperf.unavailable(task, {metric.name for metric in metrics}, "not in the published table")
        ),
        windows=(),
        layers=(),
        evidence=(),
        notes=tuple(_notes(row)),
        target=target,
        target_met=meets(target, accuracy) if is_decisive(data, published, accuracy) else None,
        publishable=True,
        not_publishable_because=(),
        environment=None,
    )


def _metrics(row: PublishedRow) -> Iterator[Metric]:
    for name in METRIC_NAMES:
        column, power = _FIGURES.get(name, ("", 0))
        number = row.number(column) if column else None
        if number is not None:
            # In decimal, so that the nearest float to the published figure comes out.
            yield Metric.of(name, float(number.scaleb(power)), "measured", note=_note(name, row["task"]))


def _note(name: MetricName, task: str) -> str | None:
    match name, task:
        case "latency.per_inference", "sww":
            return "estimated by the runner: duty cycle times period"
        case "throughput", "sww":
            return "estimated by the runner: one over duty cycle times period"
        case "latency.per_inference", _:
            return "one over the median throughput"
    return None


def _notes(row: PublishedRow) -> Iterator[str]:
    if row["round"] == "v0.5" and len(row["median_throughput_ips"].partition(".")[2]) > 3:
        yield "not as printed: logs were published without results, and whoever made the table computed them"
        yield "throughput is that of the laps in the log"
        if row.number("auc") is not None:
            yield "accuracy is that of the outputs in the log; the AUC is the exact one, not by EEMBC's rule"
    else:
        yield "as published: taken from a table of results, nothing was recomputed from logs"
    if row["task"] == "ad" and mlperf.data_ref("ad", row["round"]).samples is None:
        yield "accuracy on 248 files or on 72: since v1.2 both are accepted, and the table does not say which"
    clock = row.text("frequency_text")
    if clock is not None and hardware.clock_hz(clock) is None:
        yield f"clock not known: the source says '{clock}'"
    if _supply_v(row) is not None and row.number("emon_measured_voltage_mv") is None:
        yield "supply as the runner was set or the submitter states, not measured"


def _device(row: PublishedRow) -> DeviceRef:
    board = row["board"]
    device_id = hardware.device_id(board)
    profile = specs.devices().get(device_id)
    clock = row.text("frequency_text")
    return DeviceRef(
        id=device_id,
        board=board,
        chip=profile.chip if profile else None,
        core=_core(row),
        clock_hz=hardware.clock_hz(clock) if clock else None,
        supply_v=_supply_v(row),
        accelerator=_accelerator(row),
    )


def _core(row: PublishedRow) -> str | None:
    return hardware.core(row["processor"], row.text("isa_core"))


def _accelerator(row: PublishedRow) -> Accelerator | None:
    name = row.text("accelerator")
    if name is None:
        return None
    clock_mhz = row.number("accelerator_frequency_mhz")
    return Accelerator(name=name, clock_hz=None if clock_mhz is None else int(clock_mhz.scaleb(6)))


def _supply_v(row: PublishedRow) -> float | None:
    """Where energy was measured; a supply that nothing was measured at is in the original only."""
    if row.number("energy_uj_per_inference") is None and row.number("sww_power_mw") is None:
        return None
    return hardware.supply_v(row.number("emon_measured_voltage_mv"), row.text("supply_voltage_note"))


def _known_engine(row: PublishedRow) -> Engine | None:
    return engines.engine(row["engine"], row.text("compiler"), row.text("software_libraries"))


def _engine(row: PublishedRow) -> Engine:
    return _known_engine(row) or engines.unknown_engine(row["engine"], row.text("compiler"))


def _division(row: PublishedRow) -> Division:
    return "open" if row["division"] == "open" else "closed"
