"""What belongs to a subset: rules, lists of names, and where each file is kept."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tinybench import content
from tinybench.datasets.selection import Selection
from tinybench.errors import DataError
from tinybench.specs import Archive, Subset

RULE: dict[str, Any] = {
    "title": "images",
    "archive": "a.tar.gz",
    "root": "images_96",
    "folders": ["person", "non_person"],
    "suffix": ".jpg",
    "drop": ["COCO_train2014_", "COCO_val2014_"],
    "files": 2,
}


def rule(**changes: Any) -> Subset:
    return Subset.model_validate(RULE | changes)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("images_96/person/COCO_val2014_000000343218.jpg", "person/000000343218.jpg"),
        ("images_96/non_person/COCO_train2014_000000000009.jpg", "non_person/000000000009.jpg"),
        ("images_96/person/000000343218.jpg", "person/000000343218.jpg"),
        ("images_96/person/._COCO_val2014_1.jpg", None),
        ("images_96/person/COCO_val2014_.jpg", None),
        ("images_96/person/a.png", None),
        ("images_96/person/deep/a.jpg", None),
        ("images_96/people/a.jpg", None),
        ("images_96/a.jpg", None),
        ("images_96x/person/a.jpg", None),
        ("person/a.jpg", None),
    ],
)
def test_the_rule_says_what_is_kept_and_where(path: str, kept: str | None) -> None:
    assert Selection(rule()).place_in_archive(PurePosixPath(path)) == kept


@given(st.sampled_from(["person", "non_person"]), st.from_regex(r"[0-9A-Za-z_]{1,12}", fullmatch=True))
def test_what_is_kept_is_found_again_where_it_is_kept(folder: str, stem: str) -> None:
    """Fetching, counting and verifying agree: a path of the cache is its own place."""
    selection = Selection(rule())
    kept = selection.place(PurePosixPath(f"{folder}/COCO_val2014_{stem}.jpg"))
    assert kept == f"{folder}/{stem}.jpg"
    assert selection.place(PurePosixPath(kept)) == kept


def test_a_list_narrows_the_rule_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "tasks_dir", lambda: tmp_path)
    (tmp_path / "official.txt").write_text("person/2.jpg\nnon_person/1.jpg\n")
    selection = Selection.of(rule(names="official.txt"))
    assert selection.place(PurePosixPath("person/COCO_val2014_2.jpg")) == "person/2.jpg"
    assert selection.place(PurePosixPath("person/COCO_val2014_1.jpg")) is None
    assert selection.wanted == {"person/2.jpg", "non_person/1.jpg"}


def test_members_are_taken_one_by_one() -> None:
    subset = Subset(title="t", archive="a.tar.gz", root="py", members=("meta", "test_batch"), files=2)
    selection = Selection(subset)
    assert selection.place_in_archive(PurePosixPath("py/test_batch")) == "test_batch"
    assert selection.place_in_archive(PurePosixPath("py/data_batch_1")) is None
    assert selection.wanted == {"meta", "test_batch"}


def test_every_part_of_the_rule_and_the_names_are_in_the_hash() -> None:
    hashes = {
        Selection(subset, names).sha256
        for subset, names in [
            (rule(), None),
            (rule(), frozenset({"person/1.jpg"})),
            (rule(), frozenset({"person/2.jpg"})),
            (rule(root=""), None),
            (rule(folders=["person"]), None),
            (rule(suffix=".png"), None),
            (rule(drop=[]), None),
        ]
    }
    assert len(hashes) == 7
    assert Selection(rule(title="other words")).sha256 == Selection(rule()).sha256


def test_two_files_for_one_place(tmp_path: Path) -> None:
    for name in ("COCO_train2014_1.jpg", "COCO_val2014_1.jpg"):
        (tmp_path / "person").mkdir(exist_ok=True)
        (tmp_path / "person" / name).write_bytes(b"x")
    with pytest.raises(DataError, match=r"_1\.jpg again"):
        Selection(rule()).find(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"members": ["a"]},
        {"folders": []},
        {"suffix": ""},
        {"folders": [], "suffix": "", "members": ["a"], "drop": [], "files": 2},
        {"folders": [], "suffix": "", "members": ["a", "b"], "drop": ["x"], "files": 2},
        {"root": "../up"},
        {"root": "/abs"},
        {"files": 0},
    ],
)
def test_a_subset_that_says_too_much_or_too_little(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**changes)


@pytest.mark.parametrize("checksums", [{}, {"md5": "0" * 32, "sha256": "0" * 64}, {"md5": "0" * 64}])
def test_an_archive_has_one_checksum(checksums: dict[str, str]) -> None:
    fields = {"name": "a.zip", "url": "https://example.org/a.zip", "bytes": 1, "license": "CC0-1.0"}
    assert Archive.model_validate(fields | {"md5": "0" * 32}).checksum == ("md5", "0" * 32)
    with pytest.raises(ValidationError):
        Archive.model_validate(fields | checksums)
