"""Every figure of the page "MCU against NPU" is computed again."""

from __future__ import annotations

from pathlib import Path

import pytest

from npu_comparison import BOARD, OFFICIAL, PAGE, block, npus, official_tables, reference_tables
from tinybench import specs

pytest.importorskip("ethosu")


def test_our_models_take_what_the_page_says() -> None:
    tables = reference_tables()
    assert block(PAGE.read_text(encoding="utf-8"), "reference") == tables
    for name in (BOARD, *npus()):
        assert tables.count(f"| {specs.device(name).title} |") == 4
    assert len(npus()) == 11


def test_the_models_of_mlperf_tiny_take_what_the_page_says(shared_data: Path) -> None:
    folder = shared_data / "mlperf_models"
    if not all((folder / name).is_file() for name in OFFICIAL.values()):
        pytest.skip("MLPerf Tiny's models are not here")
    assert block(PAGE.read_text(encoding="utf-8"), "official") == official_tables(folder)
