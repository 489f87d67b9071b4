"""Verifying finds what is missing, new or changed, by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_fixtures import Corpus

from tinybench.datasets import store
from tinybench.datasets.importing import import_path
from tinybench.datasets.verify import verify
from tinybench.errors import DataError


@pytest.fixture
def clips(corpus: Corpus, data_cache: Path) -> Path:
    """The label folders of the installed subset."""
    import_path(corpus.dataset, "test", corpus.archive)
    return store.files_dir(corpus.dataset, "test")


def test_an_untouched_set(corpus: Corpus, clips: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    report = verify(corpus.dataset, "test", lambda *step: steps.append(step))
    assert report.ok
    assert (report.files, report.sha256) == (36, store.read_manifest(corpus.dataset, "test").sha256)
    assert steps[-1] == ("hash", 36, 36)


def test_everything_that_is_wrong_is_named(corpus: Corpus, clips: Path) -> None:
    (clips / "yes/00000000_nohash_0.wav").unlink()
    (clips / "no/00000001_nohash_1.wav").rename(clips / "no/moved.wav")
    changed = clips / "up/00000002_nohash_2.wav"
    data = bytearray(changed.read_bytes())
    data[-1] ^= 1
    changed.write_bytes(data)
    report = verify(corpus.dataset, "test")
    assert not report.ok
    assert report.missing == ("no/00000001_nohash_1.wav", "yes/00000000_nohash_0.wav")
    assert report.extra == ("no/moved.wav",)
    assert report.changed == ("up/00000002_nohash_2.wav",)


@pytest.mark.parametrize("change", ["missing", "extra", "changed"])
def test_one_kind_is_enough(corpus: Corpus, clips: Path, change: str) -> None:
    clip = clips / "yes/00000000_nohash_0.wav"
    if change == "missing":
        clip.unlink()
    elif change == "extra":
        clip.with_name("extra.wav").write_bytes(b"")
    else:
        clip.write_bytes(b"")
    report = verify(corpus.dataset, "test")
    assert [kind for kind in ("missing", "extra", "changed") if getattr(report, kind)] == [change]
    assert not report.ok


def test_an_absent_set_says_how_to_get_it(corpus: Corpus, data_cache: Path) -> None:
    with pytest.raises(DataError, match="not on this machine") as caught:
        verify(corpus.dataset, "test")
    assert caught.value.hint == "tinybench data fetch mini --subset test"


def test_records_that_were_changed_with_the_clips(corpus: Corpus, clips: Path) -> None:
    sums = store.sums_path(corpus.dataset, "test")
    sums.write_text(sums.read_text().replace("yes/", "YES/"))
    with pytest.raises(DataError, match=r"SHA256SUMS: is not what manifest\.json says"):
        verify(corpus.dataset, "test")


def test_records_that_are_missing(corpus: Corpus, clips: Path) -> None:
    store.sums_path(corpus.dataset, "test").unlink()
    with pytest.raises(DataError, match="SHA256SUMS: cannot be read"):
        verify(corpus.dataset, "test")
