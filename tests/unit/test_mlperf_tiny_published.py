from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from published_fixtures import ROW, row, write_table
from tinybench.errors import DataError
from tinybench.mlperf_tiny.published import COLUMNS, NUMBERS, REQUIRED, read_table


def test_cells_come_back_as_they_stand(tmp_path: Path) -> None:
    path = write_table(
        tmp_path / "t.csv", {"processor": "32-bit RH850 "}, {"task": "ad", "source_path": "x/ad"}
    )
    first, second = read_table(path)
    assert first.columns["processor"] == "32-bit RH850 "
    assert first["processor"] == "32-bit RH850"
    assert (first.line, second.line) == (2, 3)
    assert first.number("median_throughput_ips") == Decimal("23.155")
    assert first.text("model_variant") is None
    assert first.label == "v1.2 closed/Example/results/NUCLEO_L4R5ZI/kws"
    assert set(first.columns) == set(COLUMNS)


@given(st.decimals(min_value=0, max_value=10**9, places=6))
def test_numbers_are_exact(value: Decimal) -> None:
    assert row(latency_ms=f"{value:f}").number("latency_ms") == value


@pytest.mark.parametrize("column", REQUIRED)
def test_what_every_row_must_say(tmp_path: Path, column: str) -> None:
    path = write_table(tmp_path / "t.csv", {column: " "})
    with pytest.raises(DataError, match=rf"t\.csv: line 2: {column}: is empty"):
        read_table(path)


@pytest.mark.parametrize("column", sorted(NUMBERS))
@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1e400", "1,5", "0x10", "9" * 40, "1_0"])
def test_numbers_that_are_none(tmp_path: Path, column: str, text: str) -> None:
    with pytest.raises(DataError, match=f"line 2: {column}: "):
        read_table(write_table(tmp_path / "t.csv", {column: text}))


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("round", "1.2"),
        ("division", "half-open"),
        ("task", "resnet"),
        ("source_path", "/etc/passwd"),
        ("source_path", "closed/../../x"),
        ("accuracy_top1", "90.2"),
        ("auc", "1.01"),
        ("system", "x" * 1001),
        ("system", "a\u202eb"),
    ],
)
def test_cells_that_cannot_be(tmp_path: Path, column: str, text: str) -> None:
    with pytest.raises(DataError, match=f"line 2: {column}: "):
        read_table(write_table(tmp_path / "t.csv", {column: text}))


def test_one_result_twice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 3: v1\.2 closed/.*/kws is on line 2 already"):
        read_table(write_table(tmp_path / "t.csv", {}, {}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "line 1: other columns"),
        ("", "line 1: other columns"),
        (",".join(COLUMNS) + "\n", "has no rows"),
        (",".join(COLUMNS) + "\nv1.2,closed\n", "line 2: the row: has not 38 cells"),
        (",".join(COLUMNS) + "\n" + ",".join(ROW.values()) + ",more\n", "line 2: the row: has not 38 cells"),
    ],
)
def test_files_that_are_no_table(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_table(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: No such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"\xe9")
    with pytest.raises(DataError, match=r"latin\.csv: .*utf-8"):
        read_table(tmp_path / "latin.csv")
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(33 * 1024 * 1024)
    with pytest.raises(DataError, match="larger than"):
        read_table(tmp_path / "large.csv")
