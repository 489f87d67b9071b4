"""What MLPerf Tiny published, in ``submissions/``: every figure as it was, nothing lost, nothing twice."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from tinybench.mlperf_tiny.published import COLUMNS, PublishedRow, read_table
from tinybench.results import store
from tinybench.results.schema import DeviceRef, Result
from tinybench.submissions import documents, manifest, scanning
from tinybench.submissions.drafting import read_system
from tinybench.submissions.importing.table import convert, findings
from tinybench.submissions.importing.writing import write

FIGURES = {
    "median_throughput_ips": ("throughput", 0),
    "latency_ms": ("latency.per_inference", -3),
    "energy_uj_per_inference": ("energy.per_inference", -6),
    "accuracy_top1": ("accuracy.top1", 0),
    "auc": ("accuracy.auc", 0),
    "sww_power_mw": ("power.average", -3),
    "sww_tp": ("streaming.true_positives", 0),
    "sww_fn": ("streaming.false_negatives", 0),
    "sww_fp": ("streaming.false_positives", 0),
    "sww_duty_cycle": ("streaming.duty_cycle", 0),
    "sww_period_s": ("streaming.period", 0),
}


@pytest.fixture(scope="module")
def root(repository: Path) -> Path:
    return repository / "submissions"


@pytest.fixture(scope="module")
def results(root: Path) -> dict[str, Result]:
    """Path below ``submissions/`` -> result; ids are checked as they are read."""
    paths = sorted(root.glob("mlperf-v*/*/*/results/*.json"))
    return {path.relative_to(root).as_posix(): store.read(path) for path in paths}


@pytest.fixture(scope="module")
def rows(results: dict[str, Result]) -> tuple[PublishedRow, ...]:
    """The table that was taken over, put together from what the results keep of it."""
    return tuple(as_row(line, result) for line, result in enumerate(results.values(), start=2))


def as_row(line: int, result: Result) -> PublishedRow:
    source = result.source
    assert source is not None
    cells = {
        **source.original,
        "round": source.round,
        "division": source.division,
        "organization": source.organisation,
        "system": source.system,
        "source_path": source.path,
    }
    return PublishedRow(line, {column: cells.get(column, "") for column in COLUMNS})


def test_all_are_here_and_none_twice(results: dict[str, Result], rows: tuple[PublishedRow, ...]) -> None:
    assert len(results) == 345
    assert len({result.id for result in results.values()}) == 345
    assert len({row.label for row in rows}) == 345


def test_one_organisation_has_one_name_and_one_folder(root: Path, results: dict[str, Result]) -> None:
    names: dict[str, set[str]] = {}
    systems = list(root.glob("mlperf-v*/*/*/system.toml"))
    for path in systems:
        system = read_system(path.parent)
        names.setdefault(path.parent.parent.name, set()).add(system.organisation)
        assert system.engine.name
    assert len(systems) == len({path.rpartition("/results/")[0] for path in results}) == 108
    assert all(len(spellings) == 1 for spellings in names.values())
    assert names["renesas"] == {"Renesas"}
    assert names["qualcomm"] == {"Qualcomm"}


def test_every_figure_comes_back(results: dict[str, Result]) -> None:
    for path, result in results.items():
        row = as_row(0, result)
        metrics = {metric.name: metric.value for metric in result.metrics}
        expected = {
            name: float(number.scaleb(power))
            for column, (name, power) in FIGURES.items()
            if (number := row.number(column)) is not None
        }
        assert metrics == expected, path
        # The nearest float: written with as few digits as it takes, it is the published figure.
        for column, (name, power) in FIGURES.items():
            if name in metrics:
                assert Decimal(repr(float(metrics[name]))).scaleb(-power) == row.number(column), path


def test_every_supply_comes_back(results: dict[str, Result]) -> None:
    measured = 0
    for path, result in results.items():
        assert isinstance(result.device, DeviceRef)
        millivolts = as_row(0, result).number("emon_measured_voltage_mv")
        if millivolts is not None:
            measured += 1
            assert result.device.supply_v is not None
            assert Decimal(repr(result.device.supply_v)) * 1000 == millivolts, path
    assert measured == 130


def test_the_committed_files_are_what_the_conversion_writes(
    root: Path, rows: tuple[PublishedRow, ...]
) -> None:
    check(root, rows)


def test_the_table_gives_the_committed_files(root: Path, shared_data: Path) -> None:
    table = read_table(shared_data / "published" / "mlperf_tiny_results.csv")
    assert len(table) == 345
    check(root, table)


def check(root: Path, rows: tuple[PublishedRow, ...]) -> None:
    drafts = convert(rows)
    for draft in drafts:
        folder = root / draft.place.path
        for name, data in draft.documents().items():
            assert (folder / name).read_bytes() == data, (
                f"{folder / name}: run 'tinybench import mlperf-table FILE --output submissions --replace'"
            )
    assert {draft.place.path for draft in drafts} == {
        path.parent.relative_to(root).as_posix() for path in root.glob("mlperf-v*/*/*/system.toml")
    }


def test_the_committed_submissions_are_whole_and_clean(root: Path) -> None:
    discovery = scanning.discover(root)
    assert discovery.findings == ()
    published = [place for place in discovery.places if place.round.startswith("mlperf-")]
    assert len(published) == 108
    for place in published:
        folder = root / place.path
        scan = scanning.scan(folder)
        found = [
            *scan.findings,
            *manifest.check(folder, scan.inventory).findings,
            *documents.read_documents(folder, scan.inventory).findings,
        ]
        assert found == [], place


def test_writing_twice_gives_the_same_bytes(tmp_path: Path, rows: tuple[PublishedRow, ...]) -> None:
    some = [row for row in rows if row["round"] == "v0.5"]
    for name in ("a", "b"):
        write(convert(some), tmp_path / name)
    first = sorted((tmp_path / "a").rglob("*"))
    assert [path.relative_to(tmp_path / "a") for path in first] == [
        path.relative_to(tmp_path / "b") for path in sorted((tmp_path / "b").rglob("*"))
    ]
    for path in first:
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_the_page_lists_every_finding(repository: Path, rows: tuple[PublishedRow, ...]) -> None:
    page = (repository / "site/docs/published.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (TB9\d\d) \| (\S+) \| `(.*?)` \| (.*) \|$", page, flags=re.MULTILINE)
    expected = sorted(
        (found.rule.code, *found.where.split(" ", 1), found.message) for found in findings(rows)
    )
    assert sorted(listed) == expected


def test_the_page_names_every_column(repository: Path) -> None:
    page = (repository / "site/docs/published.md").read_text(encoding="utf-8")
    assert [column for column in COLUMNS if f"`{column}`" not in page] == []
