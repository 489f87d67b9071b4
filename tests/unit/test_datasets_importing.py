"""Importing what the user already has."""

from __future__ import annotations

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from data_fixtures import Corpus

from tinybench.datasets import hashing, store
from tinybench.datasets.importing import import_path
from tinybench.errors import DataError, OutputError
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
    assert from_folder.clips == len(corpus.clips)


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
    root = store.clips_dir(corpus.dataset, "test")
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
    with pytest.raises(DataError, match="2 of 12 label folders missing: yes, _silence_"):
        import_path(corpus.dataset, "test", copy)


def test_the_folder_above(corpus: Corpus, data_cache: Path, copy: Path) -> None:
    with pytest.raises(DataError, match="12 of 12 label folders") as caught:
        import_path(corpus.dataset, "test", copy.parent)
    assert "directly holds the label folders" in str(caught.value.hint)


@pytest.mark.parametrize("extra", [-1, 1])
def test_a_folder_with_another_number_of_clips(
    corpus: Corpus, data_cache: Path, copy: Path, extra: int
) -> None:
    clip = next((copy / "up").glob("*.wav"))
    clip.unlink() if extra < 0 else shutil.copy(clip, clip.with_name("extra.wav"))
    with pytest.raises(DataError, match=rf"{36 + extra} clips, expected 36 \(.*up {3 + extra},"):
        import_path(corpus.dataset, "test", copy)
    assert store.status(corpus.dataset, "test").state == "absent"


def test_hidden_and_other_files_are_left_out(corpus: Corpus, data_cache: Path, copy: Path) -> None:
    (copy / "up" / "._00000000_nohash_0.wav").write_bytes(b"finder")
    (copy / "up" / "notes.txt").write_text("mine")
    import_path(corpus.dataset, "test", copy)
    root = store.clips_dir(corpus.dataset, "test")
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
