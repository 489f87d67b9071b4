"""Downloads: resumed, checked, bounded, and never half-done under the final name."""

from __future__ import annotations

import errno
import shutil
from collections import namedtuple
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from data_fixtures import Corpus, Server, archive_of, describe, member, refuse, send, write_tar

from tinybench.datasets import store
from tinybench.datasets.fetch import download, fetch
from tinybench.errors import DataError, FetchError, OutputError

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def parts(data_cache: Path) -> Path:
    """The folder of the archives."""
    return data_cache / "archives"


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def never(seconds: float) -> None:
    raise AssertionError("no pause was expected")


def interrupted_download(server: Server, payload: bytes, kept: int, **how: Any) -> None:
    """A first run that leaves ``kept`` bytes behind."""
    server.replies = [send(payload, cut=kept, **how)]
    with pytest.raises(FetchError, match=f"ended after {kept} of|closed connection"):
        download(archive_of(payload, server.url), attempts=1)


def test_download_is_the_file_and_leaves_nothing_else(server: Server, parts: Path, payload: bytes) -> None:
    server.replies = [send(payload)]
    steps: list[tuple[str, int, int]] = []
    path = download(archive_of(payload, server.url), progress=lambda *step: steps.append(step), pause=never)
    assert path.read_bytes() == payload
    assert leftovers(parts) == ["blob.tar.gz"]
    sizes = [done for step, done, total in steps if step == "download" and total == len(payload)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(payload)


def test_a_downloaded_archive_is_not_asked_for_again(server: Server, parts: Path, payload: bytes) -> None:
    server.replies = [send(payload)]
    for _ in range(2):
        download(archive_of(payload, server.url))
    assert len(server.seen) == 1


def test_a_damaged_archive_is_downloaded_again(server: Server, parts: Path, payload: bytes) -> None:
    server.replies = [send(payload)]
    path = download(archive_of(payload, server.url))
    path.write_bytes(b"x" * len(payload))
    assert download(archive_of(payload, server.url)).read_bytes() == payload
    assert len(server.seen) == 2


def test_a_cut_connection_is_resumed(server: Server, parts: Path, payload: bytes) -> None:
    server.replies = [send(payload, cut=40_000), send(payload)]
    pauses: list[float] = []
    path = download(archive_of(payload, server.url), pause=pauses.append)
    assert path.read_bytes() == payload
    assert server.ranges() == [None, "bytes=40000-"]
    assert server.seen[1]["If-Range"] == '"v1"'
    assert pauses == [1.0]


def test_a_later_run_goes_on_where_the_first_one_stopped(server: Server, parts: Path, payload: bytes) -> None:
    interrupted_download(server, payload, 40_000)
    assert leftovers(parts) == ["blob.tar.gz.part", "blob.tar.gz.part.json"]
    server.replies = [send(payload)]
    assert download(archive_of(payload, server.url), pause=never).read_bytes() == payload
    assert server.ranges()[-1] == "bytes=40000-"


def test_ctrl_c_keeps_what_came(server: Server, parts: Path, payload: bytes) -> None:
    server.replies = [send(payload)]

    def interrupt(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(archive_of(payload, server.url), progress=interrupt)
    kept = (parts / "blob.tar.gz.part").stat().st_size
    assert kept > 0
    assert not (parts / "blob.tar.gz").exists()
    assert download(archive_of(payload, server.url)).read_bytes() == payload
    assert server.ranges()[-1] == (f"bytes={kept}-" if kept < len(payload) else None)


def test_a_server_that_ignores_range_sends_all_of_it(server: Server, parts: Path, payload: bytes) -> None:
    interrupted_download(server, payload, 40_000)
    server.replies = [send(payload, ranges=False)]
    assert download(archive_of(payload, server.url), pause=never).read_bytes() == payload


def test_a_file_that_changed_is_not_glued_together(server: Server, parts: Path, payload: bytes) -> None:
    old = bytes(len(payload))
    server.replies = [send(old, cut=40_000, etag='"old"'), send(payload, etag='"new"')]
    assert download(archive_of(payload, server.url), pause=lambda _: None).read_bytes() == payload
    assert server.seen[1]["If-Range"] == '"old"'


def test_a_changed_file_is_noticed_where_the_server_ignores_if_range(
    server: Server, parts: Path, payload: bytes
) -> None:
    old = bytes(len(payload))
    server.replies = [send(old, cut=40_000, etag='"old"'), send(payload, etag='"new"', if_range=False)]
    assert download(archive_of(payload, server.url), pause=lambda _: None).read_bytes() == payload
    assert server.ranges() == [None, "bytes=40000-", None]


def test_the_date_stands_in_for_a_weak_etag(server: Server, parts: Path, payload: bytes) -> None:
    date = "Wed, 11 Apr 2018 22:38:25 GMT"
    how: dict[str, Any] = {"etag": 'W/"weak"', "modified": date}
    interrupted_download(server, payload, 40_000, **how)
    server.replies = [send(payload, **how)]
    assert download(archive_of(payload, server.url)).read_bytes() == payload
    assert server.seen[-1]["If-Range"] == date


def test_without_any_validator_the_size_and_the_hash_decide(
    server: Server, parts: Path, payload: bytes
) -> None:
    interrupted_download(server, payload, 40_000, etag=None)
    server.replies = [send(payload, etag=None)]
    assert download(archive_of(payload, server.url)).read_bytes() == payload
    assert server.ranges()[-1] == "bytes=40000-"
    assert "If-Range" not in server.seen[-1]


def test_wrong_bytes_are_an_error_and_leave_no_part(server: Server, parts: Path, payload: bytes) -> None:
    server.replies = [send(bytes(len(payload)))]
    archive = archive_of(payload, server.url)
    with pytest.raises(FetchError, match=archive.sha256):
        download(archive, pause=never)
    assert leftovers(parts) == []


def test_a_wrong_beginning_is_found_out_at_the_end(server: Server, parts: Path, payload: bytes) -> None:
    interrupted_download(server, bytes(len(payload)), 40_000, etag=None)
    record = parts / "blob.tar.gz.part.json"
    record.write_text(
        record.read_text().replace(
            archive_of(bytes(len(payload)), "http://x").sha256, archive_of(payload, "http://x").sha256
        )
    )
    server.replies = [send(payload, etag=None)]
    with pytest.raises(FetchError, match="sha256 is"):
        download(archive_of(payload, server.url))
    assert leftovers(parts) == []


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"sha256": "other", "validator": ""}'])
def test_a_part_of_something_else_is_thrown_away(
    server: Server, parts: Path, payload: bytes, record: str
) -> None:
    parts.mkdir(parents=True)
    (parts / "blob.tar.gz.part").write_bytes(b"something else")
    (parts / "blob.tar.gz.part.json").write_text(record)
    server.replies = [send(payload)]
    assert download(archive_of(payload, server.url)).read_bytes() == payload
    assert server.ranges() == [None]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_will_not_change_is_not_tried_again(
    server: Server, parts: Path, payload: bytes, status: int
) -> None:
    server.replies = [refuse(status)]
    with pytest.raises(FetchError, match=str(status)) as caught:
        download(archive_of(payload, server.url), pause=never)
    assert caught.value.exit_code == 1
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(server: Server, parts: Path, payload: bytes, status: int) -> None:
    server.replies = [refuse(status), refuse(status), send(payload)]
    pauses: list[float] = []
    assert download(archive_of(payload, server.url), pause=pauses.append).read_bytes() == payload
    assert pauses == [1.0, 2.0]


def test_attempts_are_bounded_and_the_part_is_kept(server: Server, parts: Path, payload: bytes) -> None:
    interrupted_download(server, payload, 40_000)
    server.replies = [refuse(503)]
    pauses: list[float] = []
    with pytest.raises(FetchError, match=r"503 \(5 attempts\)") as caught:
        download(archive_of(payload, server.url), pause=pauses.append)
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert (parts / "blob.tar.gz.part").read_bytes() == payload[:40_000]
    assert "tinybench data import" in str(caught.value.hint)


def test_an_attempt_with_headway_is_no_failure(server: Server, parts: Path) -> None:
    payload = np.random.default_rng(1).bytes(5 * 1024 * 1024)
    server.replies = [send(payload, cut=1_300_000)] * 4
    assert download(archive_of(payload, server.url), attempts=2, pause=lambda _: None).read_bytes() == payload
    assert len(server.seen) == 5


def test_nobody_answers(server: Server, parts: Path, payload: bytes) -> None:
    def hang_up(handler: Any) -> None:
        handler.close_connection = True

    server.replies = [hang_up]
    with pytest.raises(FetchError, match="2 attempts"):
        download(archive_of(payload, server.url), attempts=2, pause=lambda _: None)


def test_another_size_is_refused_before_the_part_is_touched(
    server: Server, parts: Path, payload: bytes
) -> None:
    interrupted_download(server, payload, 40_000)
    server.replies = [send(b"<html>log in first</html>", ranges=False, etag=None)]
    with pytest.raises(FetchError, match="has 25 bytes, expected 100000"):
        download(archive_of(payload, server.url), pause=never)
    assert (parts / "blob.tar.gz.part").read_bytes() == payload[:40_000]


def test_a_body_without_length_that_is_too_long(server: Server, parts: Path, payload: bytes) -> None:
    server.replies = [send(payload + b"more", length=False)]
    with pytest.raises(FetchError, match="more than the 100000 bytes"):
        download(archive_of(payload, server.url), pause=never)
    assert leftovers(parts) == []


def test_a_body_without_length_that_is_too_short(server: Server, parts: Path, payload: bytes) -> None:
    server.replies = [send(payload, length=False, cut=10), send(payload)]
    assert download(archive_of(payload, server.url), pause=lambda _: None).read_bytes() == payload
    assert server.ranges() == [None, "bytes=10-"]


def test_the_rest_of_a_file_of_another_size(server: Server, parts: Path, payload: bytes) -> None:
    interrupted_download(server, payload, 40_000)
    server.replies = [send(payload, total=7)]
    with pytest.raises(FetchError, match="has 7 bytes, expected 100000"):
        download(archive_of(payload, server.url), pause=never)
    assert leftovers(parts) == []


def test_a_server_that_cannot_resume_starts_over(server: Server, parts: Path, payload: bytes) -> None:
    interrupted_download(server, payload, 40_000)
    server.replies = [send(payload), refuse(416), send(payload)]
    assert download(archive_of(payload, server.url), pause=lambda _: None).read_bytes() == payload
    assert server.ranges() == [None, "bytes=40000-", None]


def test_redirects_are_followed(server: Server, parts: Path, payload: bytes) -> None:
    server.replies = [refuse(302, Location=server.url + "?moved"), send(payload)]
    assert download(archive_of(payload, server.url), pause=never).read_bytes() == payload


def test_redirects_in_a_circle_end(server: Server, parts: Path, payload: bytes) -> None:
    server.replies = [refuse(302, Location=server.url)]
    with pytest.raises(FetchError, match="redirect"):
        download(archive_of(payload, server.url), pause=never)


def test_proxy_settings_that_cannot_be_used(
    server: Server, parts: Path, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "carrier-pigeon://loft")
    with pytest.raises(FetchError, match="proxy"):
        download(archive_of(payload, server.url))


def test_a_full_disk_is_noticed_before_anything_is_asked(
    server: Server, parts: Path, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - 99_999, 99_999))
    with pytest.raises(OutputError, match="are needed") as caught:
        download(archive_of(payload, server.url))
    assert server.seen == []
    assert "TINYBENCH_CACHE" in str(caught.value.hint)


def test_only_the_rest_needs_room(
    server: Server, parts: Path, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_download(server, payload, 40_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - 60_000, 60_000))
    server.replies = [send(payload)]
    assert download(archive_of(payload, server.url)).read_bytes() == payload


class FullDisk:
    """A file whose disk has room for one write."""

    def __init__(self, handle: IO[bytes]) -> None:
        self.handle, self.writes = handle, 0

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *error: object) -> None:
        self.handle.close()

    def write(self, data: bytes) -> int:
        self.writes += 1
        if self.writes > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.handle.write(data)


def test_a_disk_that_fills_up_keeps_what_came(server: Server, parts: Path) -> None:
    payload = np.random.default_rng(1).bytes(2_000_000)  # more than one block of the network
    server.replies = [send(payload)]
    original = Path.open

    def open_on_full_disk(self: Path, mode: str = "r", *args: Any, **named: Any) -> Any:
        handle = original(self, mode, *args, **named)
        return FullDisk(handle) if mode == "ab" else handle

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", open_on_full_disk)
        with pytest.raises(OutputError, match="disk is full"):
            download(archive_of(payload, server.url), pause=never)
    kept = (parts / "blob.tar.gz.part").stat().st_size
    assert 0 < kept < len(payload)
    assert download(archive_of(payload, server.url)).read_bytes() == payload
    assert server.ranges() == [None, f"bytes={kept}-"]


def test_a_cache_that_cannot_be_written(
    server: Server, tmp_path: Path, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="cannot be written") as caught:
        download(archive_of(payload, server.url))
    assert "TINYBENCH_CACHE" in str(caught.value.hint)


def test_a_read_only_cache(
    server: Server, corpus: Corpus, data_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_mkdir(self: Path, *args: Any, **named: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse_mkdir)
    with pytest.raises(OutputError, match="read-only file system"):
        fetch(corpus.dataset, "test")


def test_fetch_makes_the_subset_present(server: Server, corpus: Corpus, data_cache: Path) -> None:
    server.replies = [send(corpus.archive.read_bytes())]
    dataset = corpus.served_from(server.url)
    manifest = fetch(dataset, "test", pause=never)
    assert store.status(dataset, "test").manifest == manifest
    assert manifest.archive_sha256 == dataset.archives[0].sha256
    installed = store.files_dir(dataset, "test")
    found = {p.relative_to(installed).as_posix(): p.read_bytes() for p in installed.rglob("*") if p.is_file()}
    assert found == corpus.clips


def test_fetch_does_only_what_is_missing(server: Server, corpus: Corpus, data_cache: Path) -> None:
    server.replies = [send(corpus.archive.read_bytes())]
    dataset = corpus.served_from(server.url)
    first = fetch(dataset, "test")
    assert fetch(dataset, "test") == first
    shutil.rmtree(store.subset_dir(dataset, "test"))
    assert fetch(dataset, "test") == first
    assert len(server.seen) == 1


def test_fetch_repairs_an_incomplete_subset(server: Server, corpus: Corpus, data_cache: Path) -> None:
    server.replies = [send(corpus.archive.read_bytes())]
    dataset = corpus.served_from(server.url)
    fetch(dataset, "test")
    shutil.rmtree(store.files_dir(dataset, "test") / "yes")
    assert store.status(dataset, "test").state == "incomplete"
    fetch(dataset, "test")
    assert store.status(dataset, "test").state == "present"


def test_an_archive_that_is_not_what_the_task_says(server: Server, tmp_path: Path, data_cache: Path) -> None:
    archive = write_tar(tmp_path / "odd.tar.gz", [member("./yes/a.wav", b"a")])
    server.replies = [send(archive.read_bytes())]
    dataset = describe(archive, url=server.url, files=12)
    with pytest.raises(DataError, match="folders missing: down"):
        fetch(dataset, "test")
    assert [path.name for path in (data_cache / "datasets" / "mini").iterdir()] == []


def test_two_processes_do_not_write_the_same_data_set(corpus: Corpus, data_cache: Path) -> None:
    with store.lock(corpus.dataset), pytest.raises(OutputError, match="another process"):
        fetch(corpus.dataset, "test")
    with store.lock(corpus.dataset):
        assert store.status(corpus.dataset, "test").state == "absent"
