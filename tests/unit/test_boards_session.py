from __future__ import annotations

from pathlib import Path

import pytest

from tinybench.boards.session import Session
from tinybench.errors import BoardError, OutputError

FACTS = {"task": "kws", "model": "0" * 64}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path))
    return tmp_path


def test_what_was_kept_is_there_again() -> None:
    with Session.opened(FACTS, resume=True) as session:
        session.keep("performance", 1, seconds=10.5)
        session.keep("performance", 2, seconds=10.6)
        session.keep("performance", 1, seconds=10.7)
        session.keep_file("trace-1.bin", b"\xf1")
        session.transcript.say("session", "first")
    with Session.opened(FACTS, resume=True) as session:
        found = session.records("performance")
        assert {number: record["seconds"] for number, record in found.items()} == {1: 10.7, 2: 10.6}
        assert session.file("trace-1.bin") == b"\xf1"
        assert session.file("trace-2.bin") is None
        session.transcript.say("session", "second")
        assert session.log().splitlines()[0].endswith(b"session: first")
        assert session.log().splitlines()[1].endswith(b"session: second")


def test_other_facts_are_another_run() -> None:
    with Session.opened(FACTS, resume=True) as session:
        session.keep("accuracy", 0, values=[1.0])
    with Session.opened(FACTS | {"task": "ic"}, resume=True) as session:
        assert session.records("accuracy") == {}


def test_beginning_anew_forgets_everything() -> None:
    with Session.opened(FACTS, resume=True) as session:
        session.keep("accuracy", 0, values=[1.0])
        session.keep_file("trace-1.bin", b"\xf1")
        session.transcript.say("session", "first")
    with Session.opened(FACTS, resume=False) as session:
        assert session.records("accuracy") == {}
        assert session.file("trace-1.bin") is None
        assert session.log() == b""


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_line_that_was_cut_is_not_taken_for_one(cut: int) -> None:
    with Session.opened(FACTS, resume=True) as session:
        session.keep("accuracy", 0, values=[0.25])
        session.keep("accuracy", 1, values=[0.5])
        folder = session.folder
    path = folder / "done.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    with Session.opened(FACTS, resume=True) as session:
        assert set(session.records("accuracy")) == {0}
        session.keep("accuracy", 1, values=[0.75])
    with Session.opened(FACTS, resume=True) as session:
        assert [record["values"] for record in session.records("accuracy").values()] == [[0.25], [0.75]]


def test_two_at_one_run_are_one_too_many() -> None:
    with (
        Session.opened(FACTS, resume=True),
        pytest.raises(BoardError, match="another tinybench is at this very run"),
        Session.opened(FACTS, resume=True),
    ):
        pass


def test_the_folder_goes_when_the_result_is_written() -> None:
    with Session.opened(FACTS, resume=True) as session:
        remove, folder = session.remover(), session.folder
    assert folder.is_dir()
    remove()
    remove()
    assert not folder.exists()


def test_a_cache_that_cannot_be_written_is_told(cache: Path) -> None:
    (cache / "boards").write_text("no folder")
    with pytest.raises(OutputError, match="cannot write"), Session.opened(FACTS, resume=True):
        pass
