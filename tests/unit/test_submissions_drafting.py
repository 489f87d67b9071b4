from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from fakes import published_document
from tinybench import specs
from tinybench.errors import DataError, OutputError, UsageError
from tinybench.results import store
from tinybench.results.schema import Result, content_id
from tinybench.submissions import drafting
from tinybench.submissions.layout import Place
from tinybench.submissions.system import System

PLACE = Place("2026.1", "example", "board")


def measured(folder: Path, evidence: dict[str, bytes] | None = None, **changes: Any) -> Result:
    """A publishable result on the disk, as a run leaves it."""
    files = {"outputs.csv": b"sample,label\n"} if evidence is None else evidence
    described = [item.model_dump() for item in store.describe_evidence(files)]
    document = published_document(evidence=described, **changes)
    result = Result.model_validate(document | {"id": content_id(document)})
    return store.write(result, files, store.Destination(folder))


def create(root: Path, result: Result | None = None, **fields: object) -> Path:
    told: dict[str, object] = {
        "title": "Board",
        "organisation": "Example",
        "division": "closed",
        "contact": "https://example.org",
        "licence": "CC-BY-4.0",
    }
    profile = specs.device("nucleo-l4r5zi")
    folder, taken = drafting.create(root, PLACE, drafting.known(profile, result) | told | fields)
    assert taken == []
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_system_is_filled_from_the_profile_and_the_result(tmp_path: Path) -> None:
    result = measured(tmp_path / "results")
    folder = create(tmp_path / "submissions", result)
    assert folder == tmp_path / "submissions" / PLACE.path
    system, profile = drafting.read_system(folder), specs.device("nucleo-l4r5zi")
    assert system.engine == result.engine
    assert (system.device, system.chip, system.clock_hz) == (profile.id, profile.chip, profile.clock_hz.value)
    assert {memory.kind: memory.bytes for memory in system.memories} == {
        "flash": profile.flash.bytes,
        "ram": profile.ram.bytes,
    }


def test_the_result_has_the_last_word(tmp_path: Path) -> None:
    document = published_document()
    result = measured(tmp_path / "results", device=document["device"] | {"clock_hz": 80_000_000})
    assert drafting.read_system(create(tmp_path, result)).clock_hz == 80_000_000


def test_results_are_taken_in_with_their_data_but_not_with_firmware(tmp_path: Path) -> None:
    log = b"a line of a log\n" * 20_000
    files = {"outputs.csv": b"sample\n", "run-log.txt": log, "firmware.elf": b"\x7fELF", "model.c": b"int x;"}
    result = measured(tmp_path / "results", files)
    folder = create(tmp_path, result)
    assert result.path is not None
    (taken,) = drafting.add(folder, [result.path])
    evidence = f"evidence/{result.id}"
    assert taken.evidence == (f"{evidence}/outputs.csv", f"{evidence}/run-log.txt.gz")
    assert taken.left_out == ("firmware.elf", "model.c")
    found = tree(folder)
    assert found[taken.path] == result.path.read_bytes()
    assert gzip.decompress(found[f"{evidence}/run-log.txt.gz"]) == log
    manifest = json.loads(found.pop("manifest.json"))
    assert {entry["path"]: entry["sha256"] for entry in manifest["files"]} == {
        path: hashlib.sha256(data).hexdigest() for path, data in found.items()
    }


def test_taking_a_result_in_twice_changes_nothing(tmp_path: Path) -> None:
    result = measured(tmp_path / "results")
    folder = create(tmp_path, result)
    assert result.path is not None
    drafting.add(folder, [result.path])
    before = tree(folder)
    drafting.add(folder, [result.path])
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        (
            {"device": {"clock_hz": 80_000_000}},
            DataError,
            "clock_hz is 80000000, but system.toml says 120000000",
        ),
        ({"engine": {"version": "9"}}, DataError, "engine.version is '9'"),
        (
            {"publishable": False, "not_publishable_because": ["limited"]},
            UsageError,
            "may not be published: limited",
        ),
    ],
)
def test_one_wrong_result_keeps_all_of_them_out(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], match: str
) -> None:
    good = measured(tmp_path / "good")
    document = published_document()
    merged = {
        key: document[key] | value if isinstance(value, dict) else value for key, value in changes.items()
    }
    wrong = measured(tmp_path / "wrong", **merged)
    folder = create(tmp_path, good)
    before = tree(folder)
    assert good.path is not None
    assert wrong.path is not None
    with pytest.raises(error, match=match):
        drafting.add(folder, [good.path, wrong.path])
    assert tree(folder) == before


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = measured(tmp_path / "results")
    folder = create(tmp_path, result)
    before = tree(folder)
    write = drafting.write_atomically

    def full(path: Path, data: bytes) -> None:
        if path.suffix == ".json":
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(drafting, "write_atomically", full)
    assert result.path is not None
    with pytest.raises(OutputError, match="no space left"):
        drafting.add(folder, [result.path])
    assert tree(folder) == before
    assert not [path for path in folder.iterdir() if path.is_dir()]


def test_evidence_that_was_changed_is_not_taken_in(tmp_path: Path) -> None:
    result = measured(tmp_path / "results")
    folder = create(tmp_path, result)
    assert result.path is not None
    (store.evidence_folder(result.path) / "outputs.csv").write_bytes(b"better\n")
    with pytest.raises(DataError.__base__, match="SHA-256"):  # type: ignore[arg-type]
        drafting.add(folder, [result.path])


def test_a_submission_is_made_once(tmp_path: Path) -> None:
    result = measured(tmp_path / "results")
    folder = create(tmp_path, result)
    before = tree(folder)
    with pytest.raises(OutputError, match="is there already"):
        create(tmp_path, result)
    assert tree(folder) == before


def test_a_field_that_is_wrong_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="engine"):
        create(tmp_path)
    with pytest.raises(UsageError, match="clock_hz"):
        create(tmp_path, measured(tmp_path / "results"), clock_hz=-1)
    assert not (tmp_path / PLACE.path).exists()


def test_a_result_that_may_not_be_published_leaves_nothing_behind(tmp_path: Path) -> None:
    result = measured(tmp_path / "results", publishable=False, not_publishable_because=["limited"])
    fields = drafting.known(None, result) | {
        "title": "x",
        "organisation": "x",
        "division": "open",
        "licence": "x",
    }
    assert result.path is not None
    with pytest.raises(UsageError, match="may not be published"):
        drafting.create(tmp_path / "submissions", PLACE, fields, [result.path])
    assert not (tmp_path / "submissions").exists()


def simulated_on_golden_vectors(folder: Path) -> Result:
    document = published_document()
    metrics = [
        {**m, "mode": "simulated"} for m in document["metrics"] if not m["name"].startswith("accuracy.")
    ]
    return measured(
        folder,
        metrics=metrics,
        data=document["data"] | {"split": "golden"},
        target_met=None,
        publishable=False,
        not_publishable_because=["no data set"],
    )


def test_a_simulation_without_accuracy_belongs_into_the_closed_division(tmp_path: Path) -> None:
    result = simulated_on_golden_vectors(tmp_path / "results")
    assert result.path is not None
    folder = create(tmp_path, result)
    (taken,) = drafting.add(folder, [result.path])
    assert (folder / taken.path).is_file()
    with pytest.raises(UsageError, match="may not be published"):
        drafting.add(create(tmp_path / "open", result, division="open"), [result.path])


def test_a_disk_that_is_full_half_way_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = measured(tmp_path / "results")
    fields = drafting.known(None, result) | {
        "title": "x",
        "organisation": "x",
        "division": "open",
        "licence": "x",
    }
    write = drafting.write_atomically

    def full(path: Path, data: bytes) -> None:
        if path.suffix == ".json":
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(drafting, "write_atomically", full)
    assert result.path is not None
    with pytest.raises(OutputError, match="no space left"):
        drafting.create(tmp_path / "submissions", PLACE, fields, [result.path])
    assert not (tmp_path / "submissions").exists()


def test_known_of_nothing_is_nothing() -> None:
    assert drafting.known(None, None) == {}
    assert set(drafting.known(specs.device("nucleo-l4r5zi"), None)) <= set(System.model_fields)


@pytest.mark.parametrize("name", ["results", "evidence"])
def test_nothing_is_written_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    result, outside = measured(tmp_path / "runs"), tmp_path / "outside"
    folder = create(tmp_path / "submissions", result)
    outside.mkdir()
    (folder / name).symlink_to(outside)
    monkeypatch.setattr(drafting, "write_atomically", None)  # nothing is written, not even for a moment
    with pytest.raises(OutputError, match="is a symbolic link"):
        drafting.add(folder, [result.path])
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("text", ["a=" + "[" * 60_000, "a=" + "{a=" * 20_000])
def test_a_system_file_that_is_nested_too_deep_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "system.toml").write_text(text)
    with pytest.raises(DataError, match=r"system\.toml"):
        drafting.read_system(tmp_path)


def test_a_system_file_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "system.toml")
    with pytest.raises(DataError, match="not a regular file"):
        drafting.read_system(tmp_path)
