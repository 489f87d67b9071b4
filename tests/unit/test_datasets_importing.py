"""Importing what the user already has."""

from __future__ import annotations

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from data_fixtures import Corpus, member, sha256, write_tar, write_zip

from tinybench import content
from tinybench.datasets import store
from tinybench.datasets.importing import import_path
from tinybench.errors import DataError, OutputError, UsageError
from tinybench.files import hashing
from tinybench.specs import DatasetSpec

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def copy(corpus: Corpus, tmp_path: Path) -> Path:
    """The unpacked folder, to be changed."""
    return shutil.copytree(corpus.folder, tmp_path / "copy")


def test_archive_and_folder_are_the_same_set(corpus: Corpus, data_cache: Path) -> None:
    from_archive = import_path(corpus.dataset, "test", corpus.archive)
    from_folder = import_path(corpus.dataset, "test", corpus.folder)
    assert from_archive.sha256 == from_folder.sha256
    assert from_archive.archive_sha256 == corpus.dataset.archives[0].sha256
    assert from_folder.archive_sha256 is None
    assert from_folder.files == len(corpus.clips)


def test_the_archive_is_kept_and_the_original_left(corpus: Corpus, data_cache: Path) -> None:
    before = corpus.archive.read_bytes()
    import_path(corpus.dataset, "test", corpus.archive)
    kept = store.archive_path(corpus.dataset.archives[0])
    assert kept.read_bytes() == corpus.archive.read_bytes() == before
    import_path(corpus.dataset, "test", kept)
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_without_hard_links_the_archive_is_copied(
    corpus: Corpus, data_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    import_path(corpus.dataset, "test", corpus.archive)
    kept = store.archive_path(corpus.dataset.archives[0])
    assert kept.stat().st_ino != corpus.archive.stat().st_ino
    assert kept.read_bytes() == corpus.archive.read_bytes()


def test_a_symbolic_link_to_the_archive(corpus: Corpus, data_cache: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.tar.gz"
    link.symlink_to(corpus.archive)
    import_path(corpus.dataset, "test", link)
    assert not store.archive_path(corpus.dataset.archives[0]).is_symlink()


def test_later_changes_to_the_folder_do_not_reach_the_cache(
    corpus: Corpus, data_cache: Path, copy: Path
) -> None:
    manifest = import_path(corpus.dataset, "test", copy)
    for path in copy.rglob("*.wav"):
        with path.open("r+b") as handle:
            handle.write(b"changed")
    root = store.files_dir(corpus.dataset, "test")
    assert hashing.set_sha256(hashing.hash_files(root, corpus.clips)) == manifest.sha256


def test_another_archive(corpus: Corpus, data_cache: Path, tmp_path: Path) -> None:
    other = tmp_path / "mini.tar.gz"
    other.write_bytes(corpus.archive.read_bytes()[:-1])
    with pytest.raises(DataError, match="not the published") as caught:
        import_path(corpus.dataset, "test", other)
    assert corpus.dataset.archives[0].url in str(caught.value.hint)
    assert not data_cache.exists()


def test_an_archive_of_another_subset(corpus: Corpus, data_cache: Path) -> None:
    archive, subset = corpus.dataset.archives[0], corpus.dataset.subsets["test"]
    wanted = archive.model_copy(update={"name": "full.tar.gz", "sha256": "0" * 64})
    dataset = DatasetSpec.model_validate(
        corpus.dataset.model_dump()
        | {
            "archives": [archive.model_dump(), wanted.model_dump()],
            "subsets": {
                "test": subset.model_dump(),
                "full": subset.model_copy(update={"archive": "full.tar.gz"}).model_dump(),
            },
        }
    )
    with pytest.raises(DataError, match=r"this is mini\.tar\.gz, expected full\.tar\.gz") as caught:
        import_path(dataset, "full", corpus.archive)
    assert caught.value.hint == "it holds: test; choose that with --subset"


def test_nothing_at_the_path(corpus: Corpus, data_cache: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        import_path(corpus.dataset, "test", tmp_path / "none")


def test_a_folder_without_a_label(corpus: Corpus, data_cache: Path, copy: Path) -> None:
    shutil.rmtree(copy / "_silence_")
    (copy / "yes").rename(copy / "Yes")
    with pytest.raises(DataError, match="2 of 12 folders missing: yes, _silence_"):
        import_path(corpus.dataset, "test", copy)


def test_the_folder_above(corpus: Corpus, data_cache: Path, copy: Path) -> None:
    with pytest.raises(DataError, match="12 of 12 folders") as caught:
        import_path(corpus.dataset, "test", copy.parent)
    assert "directly holds down, go," in str(caught.value.hint)


@pytest.mark.parametrize("extra", [-1, 1])
def test_a_folder_with_another_number_of_clips(
    corpus: Corpus, data_cache: Path, copy: Path, extra: int
) -> None:
    clip = next((copy / "up").glob("*.wav"))
    clip.unlink() if extra < 0 else shutil.copy(clip, clip.with_name("extra.wav"))
    with pytest.raises(DataError, match=rf"{36 + extra} files, expected 36 \(.*up {3 + extra},"):
        import_path(corpus.dataset, "test", copy)
    assert store.status(corpus.dataset, "test").state == "absent"


def test_hidden_and_other_files_are_left_out(corpus: Corpus, data_cache: Path, copy: Path) -> None:
    (copy / "up" / "._00000000_nohash_0.wav").write_bytes(b"finder")
    (copy / "up" / "notes.txt").write_text("mine")
    import_path(corpus.dataset, "test", copy)
    root = store.files_dir(corpus.dataset, "test")
    assert {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()} == set(corpus.clips)


def test_ctrl_c_while_copying_keeps_what_was_there(corpus: Corpus, data_cache: Path) -> None:
    before = import_path(corpus.dataset, "test", corpus.archive)

    def interrupt(step: str, done: int, total: int) -> None:
        if (step, done) == ("copy", 10):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_path(corpus.dataset, "test", corpus.folder, interrupt)
    assert store.status(corpus.dataset, "test").manifest == before


@pytest.mark.parametrize("source", ["archive", "folder"])
def test_a_full_disk(corpus: Corpus, data_cache: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 10**6 - 10, 10))
    with pytest.raises(OutputError, match=r"are needed but 10 B are free"):
        import_path(corpus.dataset, "test", getattr(corpus, source))


def test_a_disk_that_fills_up_while_copying(
    corpus: Corpus, data_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OutputError, match=r"\.wav: the disk is full"):
        import_path(corpus.dataset, "test", corpus.folder)
    assert store.status(corpus.dataset, "test").state == "absent"


IMAGES = {
    "images_96/person/COCO_val2014_1.jpg": b"one",
    "images_96/person/COCO_train2014_2.jpg": b"two",
    "images_96/person/COCO_train2014_3.jpg": b"three",
    "images_96/non_person/COCO_val2014_4.jpg": b"four",
    "images_96/LICENSE": b"text",
}


def listed(archive: Path, names: str | None, **changes: Any) -> DatasetSpec:
    """A data set of images below a folder, of which a list takes some; its licence has to be accepted."""
    checksum = {"sha256": sha256(archive.read_bytes())}
    return DatasetSpec.model_validate(
        {
            "id": "images",
            "title": "Images",
            "license": "CC-BY-NC-SA-4.0",
            "license_url": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
            "license_acceptance": True,
            "homepage": "https://example.org/",
            "citation": "nobody, 2026",
            "archives": [
                {
                    "name": archive.name,
                    "url": "http://127.0.0.1:9/",
                    "bytes": archive.stat().st_size,
                    "license": "CC-BY-NC-SA-4.0",
                }
                | changes.pop("checksum", checksum)
            ],
            "subsets": {
                "test": {
                    "title": "some of it",
                    "archive": archive.name,
                    "root": "images_96",
                    "folders": ["person", "non_person"],
                    "suffix": ".jpg",
                    "drop": ["COCO_train2014_", "COCO_val2014_"],
                    "names": names,
                    "files": 3 if names else 4,
                }
                | changes
            },
        }
    )


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A list of three of the four images."""
    monkeypatch.setattr(content, "tasks_dir", lambda: tmp_path)
    (tmp_path / "official.txt").write_text("person/1.jpg\nperson/3.jpg\nnon_person/4.jpg\n")
    return "official.txt"


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "folder", "folder above"])
def test_a_list_takes_its_files_and_no_others(
    tmp_path: Path, data_cache: Path, names: str, kind: str
) -> None:
    if kind == "tar.gz":
        archive = write_tar(tmp_path / "a.tar.gz", [member(name, data) for name, data in IMAGES.items()])
    else:
        archive = write_zip(tmp_path / "a.zip", dict(IMAGES))
    for name, data in IMAGES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    source = {"folder": tmp_path / "images_96", "folder above": tmp_path}.get(kind, archive)
    dataset = listed(archive, names)
    manifest = import_path(dataset, "test", source, accept_license=True)
    root = store.files_dir(dataset, "test")
    expected = {"person/1.jpg": b"one", "person/3.jpg": b"three", "non_person/4.jpg": b"four"}
    assert {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*.*")} == expected
    assert manifest.sha256 == hashing.set_sha256({path: sha256(data) for path, data in expected.items()})
    assert (manifest.files, manifest.accepted_license) == (3, "CC-BY-NC-SA-4.0")


def test_another_list_is_another_set(tmp_path: Path, data_cache: Path, names: str) -> None:
    dataset = listed(write_zip(tmp_path / "a.zip", dict(IMAGES)), names)
    import_path(dataset, "test", tmp_path / "a.zip", accept_license=True)
    assert store.status(dataset, "test").state == "present"
    (tmp_path / names).write_text("person/1.jpg\nperson/2.jpg\nnon_person/4.jpg\n")
    status = store.status(dataset, "test")
    assert status.state == "incomplete"
    assert "selection_sha256" in status.detail


def test_files_of_the_list_that_are_not_there_are_named(tmp_path: Path, data_cache: Path, names: str) -> None:
    del (some := dict(IMAGES))["images_96/person/COCO_train2014_3.jpg"]
    dataset = listed(write_zip(tmp_path / "a.zip", some), names)
    with pytest.raises(DataError, match=r"1 of 3 files missing: person/3\.jpg$"):
        import_path(dataset, "test", tmp_path / "a.zip", accept_license=True)
    assert store.status(dataset, "test").state == "incomplete"


def test_an_archive_without_one_of_the_folders(tmp_path: Path, data_cache: Path, names: str) -> None:
    some = {name: data for name, data in IMAGES.items() if "/person/" in name}
    dataset = listed(write_zip(tmp_path / "a.zip", some), names)
    with pytest.raises(DataError, match="1 of 2 folders missing: non_person"):
        import_path(dataset, "test", tmp_path / "a.zip", accept_license=True)


def test_an_archive_that_is_known_by_its_md5(tmp_path: Path, data_cache: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", dict(IMAGES))
    digest = hashing.file_digest(archive, "md5")
    dataset = listed(archive, None, checksum={"md5": digest})
    manifest = import_path(dataset, "test", archive, accept_license=True)
    assert manifest.archive_sha256 == sha256(archive.read_bytes())
    archive.write_bytes(b"other")
    with pytest.raises(DataError, match=rf"expected \d+ bytes, md5 {digest}"):
        import_path(dataset, "test", archive, accept_license=True)


def test_a_licence_has_to_be_accepted_once(tmp_path: Path, data_cache: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", dict(IMAGES))
    dataset = listed(archive, None)
    with pytest.raises(UsageError, match=r"Images: its licence, CC-BY-NC-SA-4\.0, has to be") as caught:
        import_path(dataset, "test", archive)
    assert dataset.license_url in str(caught.value.hint)
    assert "--accept-license" in str(caught.value.hint)
    assert not data_cache.exists()
    import_path(dataset, "test", archive, accept_license=True)
    import_path(dataset, "test", archive)
    other = dataset.model_copy(update={"license": "CC-BY-4.0"})
    with pytest.raises(UsageError, match=r"CC-BY-4\.0"):
        import_path(other, "test", archive)
