"""Result files that were ever published must keep loading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tinybench
from tinybench.results.migrations import CURRENT, STEPS

FOLDER = Path(__file__).parent / "historic_results"
FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_historic_result_loads_with_its_evidence(path: Path) -> None:
    result = tinybench.verify_result(path)
    assert result.schema_ == CURRENT
    assert result.metrics


def test_there_is_a_file_of_every_schema() -> None:
    seen = {re.search(r'"schema": "([^"]+)"', path.read_text())[1] for path in FILES}  # type: ignore[index]
    assert seen == {CURRENT, *STEPS}


def test_the_current_schema_is_written_as_it_was(repository: Path) -> None:
    path = FOLDER / "tinybench.result-1.json"
    assert tinybench.load_result(path).to_json() == path.read_bytes()
