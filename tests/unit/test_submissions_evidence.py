"""Opening the evidence of a submission."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from submission_fixtures import EVIDENCE, LOG, RESULT_ID, default_files, write_file, write_submission
from tinybench.errors import DataError
from tinybench.files.guarded import Folder
from tinybench.submissions.evidence import evidence_blocks, evidence_openers
from tinybench.submissions.scanning import Inventory, scan


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_submission(tmp_path)


def inventory(folder: Path) -> Inventory:
    return scan(folder).inventory


def test_evidence_is_opened_by_the_name_without_gz(folder: Path) -> None:
    openers = evidence_openers(folder, inventory(folder), RESULT_ID)
    assert sorted(openers) == [
        "accuracy-log.txt",
        "energy-trace1-energy.bin",
        "energy-trace1-timestamps.json",
        "outputs.npy",
        "performance-log.txt",
        "power.png",
    ]
    with openers["accuracy-log.txt"]() as stream:
        assert list(stream) == LOG.splitlines(keepends=True) * 1000
    with openers["outputs.npy"]() as stream:
        assert stream.read() == default_files()[f"{EVIDENCE}/outputs.npy"]


def test_evidence_of_another_result_is_not_there(folder: Path) -> None:
    assert evidence_openers(folder, inventory(folder), "r-0000000000000000") == {}


def test_a_part_of_a_stream(folder: Path) -> None:
    openers = evidence_openers(folder, inventory(folder), RESULT_ID)
    with openers["performance-log.txt"]() as stream:
        assert stream.read(5) == LOG[:5]
        assert stream.readline() == LOG[5:].splitlines(keepends=True)[0]
    with openers["performance-log.txt"]() as stream:
        assert stream.read() == LOG


def test_evidence_that_becomes_a_link(folder: Path) -> None:
    openers = evidence_openers(folder, inventory(folder), RESULT_ID)
    (folder / EVIDENCE / "performance-log.txt").unlink()
    (folder / EVIDENCE / "performance-log.txt").symlink_to("/etc/passwd")
    with openers["performance-log.txt"]() as stream, pytest.raises(DataError, match="symbolic link"):
        stream.read()


def test_evidence_that_becomes_a_bomb(folder: Path) -> None:
    openers = evidence_openers(folder, inventory(folder), RESULT_ID)
    write_file(folder / EVIDENCE / "accuracy-log.txt.gz", gzip.compress(bytes(20 << 20)))
    with openers["accuracy-log.txt"]() as stream, pytest.raises(DataError, match="200 times its size"):
        stream.read()


def test_what_is_no_evidence(folder: Path) -> None:
    with Folder.open(folder) as opened, pytest.raises(DataError, match="not a place for an evidence file"):
        evidence_blocks(opened, "system.toml")
