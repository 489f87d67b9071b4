"""Result files that were ever published must keep loading."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import tinybench
from tinybench.results.migrations import CURRENT, STEPS, migrate
from tinybench.results.schema import DeviceRef

FOLDER = Path(__file__).parent / "historic_results"
FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_historic_result_loads_with_its_evidence(path: Path) -> None:
    result = tinybench.verify_result(path)
    assert result.schema_ == CURRENT
    assert result.metrics


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_result_keeps_the_id_that_it_was_cited_by(path: Path) -> None:
    assert tinybench.load_result(path).id == json.loads(path.read_bytes())["id"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_figure_that_was_changed_is_noticed_in_every_schema(path: Path, tmp_path: Path) -> None:
    document = json.loads(path.read_bytes())
    document["metrics"][0]["value"] /= 2
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(document))
    with pytest.raises(tinybench.TinybenchError, match="but its content has"):
        tinybench.load_result(changed)


def test_schema_1_reads_as_schema_2_with_nothing_invented() -> None:
    result = tinybench.load_result(FOLDER / "tinybench.result-1.json")
    assert isinstance(result.device, DeviceRef)
    assert (result.device.id, result.device.board, result.device.supply_v) == ("nucleo-l4r5zi", None, None)
    assert (result.source, result.windows) == (None, ())


def test_schema_1_without_a_device_stays_without() -> None:
    document = json.loads((FOLDER / "tinybench.result-1.json").read_bytes()) | {"device": {"id": "host"}}
    assert migrate(document, "x")["device"] == {"id": "host"}


def test_there_is_a_file_of_every_schema() -> None:
    seen = {re.search(r'"schema": "([^"]+)"', path.read_text())[1] for path in FILES}  # type: ignore[index]
    assert seen == {CURRENT, *STEPS}


def test_the_current_schema_is_written_as_it_was(repository: Path) -> None:
    path = FOLDER / f"{CURRENT.replace('/', '-')}.json"
    assert tinybench.load_result(path).to_json() == path.read_bytes()
