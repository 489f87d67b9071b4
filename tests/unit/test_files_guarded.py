"""Reading below a folder that somebody else filled."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import DataError
from tinybench.files.guarded import Folder
from tinybench.files.gunzip import gunzip

SECRET = b"not for you"
NOT_FOLLOWED = r"symbolic link|not a directory"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_bytes(SECRET)
    inside = tmp_path / "inside"
    (inside / "below").mkdir(parents=True)
    (inside / "below/a").write_bytes(b"hello" * 100_000)
    (inside / "link").symlink_to("../secret/key")
    (inside / "way").symlink_to("../secret")
    (inside / "self").symlink_to("self")
    os.mkfifo(inside / "pipe")
    with Folder.open(inside) as opened:
        yield opened


def test_a_file_is_read(folder: Folder) -> None:
    data = b"hello" * 100_000
    assert folder.read("below/a", 500_000) == data
    assert folder.head("below/a", 7) == b"hellohe"
    assert folder.sha256("below/a", 500_000) == (500_000, hashlib.sha256(data).hexdigest())
    assert [name for name, _ in folder.entries("below")] == ["a"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("link", "symbolic link"),
        ("way/key", "symbolic link|not a directory"),
        ("self", "symbolic link"),
        ("../secret/key", "not a path below"),
        ("below/../../secret/key", "not a path below"),
        ("/etc/passwd", "not a path below"),
        ("below//a", "not a path below"),
        ("./below/a", "not a path below"),
        ("", "not a path below"),
        ("below/a\0", "not a path"),
        ("pipe", "not a regular file"),
        ("below", "not a regular file"),
        ("none", "no such file"),
        ("below/a/b", "not a directory"),
    ],
)
def test_what_is_not_read(folder: Folder, path: str, reason: str) -> None:
    for read in (folder.read, folder.head, folder.sha256):
        with pytest.raises(DataError, match=reason):
            read(path, 100)


def test_a_file_that_is_larger_than_expected(folder: Folder) -> None:
    with pytest.raises(DataError, match=r"below/a: has 488\.3 KiB, more than 48\.8 KiB"):
        folder.read("below/a", 50_000)


def test_a_folder_that_becomes_a_link_after_it_was_seen(folder: Folder) -> None:
    """The race that checks before reading lose: seen as a folder, a link when it is opened."""
    assert [name for name, _ in folder.entries("below")] == ["a"]
    (folder.path / "below").rename(folder.path / "was")
    (folder.path / "below").symlink_to("../secret")
    with pytest.raises(DataError, match=NOT_FOLLOWED):
        folder.read("below/key", 100)
    with pytest.raises(DataError, match=NOT_FOLLOWED):
        list(folder.entries("below"))


def test_the_folder_itself_is_moved_away(folder: Folder) -> None:
    """What was opened stays what is read."""
    folder.path.rename(folder.path.with_name("elsewhere"))
    folder.path.symlink_to("secret")
    assert folder.head("below/a", 5) == b"hello"
    with pytest.raises(DataError, match="no such file"):
        folder.read("key", 100)


@pytest.mark.parametrize("change", ["grow", "shrink", "touch"])
def test_a_file_that_changes_while_it_is_read(folder: Folder, change: str) -> None:
    path = folder.path / "below/a"
    blocks = folder.blocks("below/a", 10**6)
    next(blocks)
    if change == "touch":
        os.utime(path, ns=(0, 0))
    else:
        os.truncate(path, 10**6 if change == "grow" else 300_000)
    with pytest.raises(DataError, match="changed while it was read"):
        list(blocks)


def test_nothing_stays_open(folder: Folder) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for path in ("below/a", "link", "way/key", "pipe", "none"):
        for read in (folder.read, folder.head):
            with contextlib.suppress(DataError):
                read(path, 100)
    list(folder.entries("below"))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize("name", ["none", "inside/below/a"])
def test_no_folder(folder: Folder, name: str) -> None:
    with (
        pytest.raises(DataError, match=r"no such file|not a directory"),
        Folder.open(folder.path.parent / name),
    ):
        pytest.fail("was opened")


def unpack(data: bytes, cut: int = 100, max_bytes: int = 10**7, max_ratio: int = 200) -> bytes:
    blocks = (data[at : at + cut] for at in range(0, len(data), cut))
    return b"".join(gunzip(blocks, "x.gz", max_bytes=max_bytes, max_ratio=max_ratio))


@given(st.binary(max_size=2000), st.integers(1, 3000), st.integers(0, 9))
def test_what_gzip_packs_comes_back(data: bytes, cut: int, level: int) -> None:
    assert unpack(gzip.compress(data, level), cut) == data


def test_blocks_are_small_however_well_it_is_packed() -> None:
    data = gzip.compress(bytes(50 << 20))
    sizes = [len(block) for block in gunzip([data], "x", max_bytes=50 << 20, max_ratio=2000)]
    assert max(sizes) <= 256 * 1024
    assert sum(sizes) == 50 << 20


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut short"),
        (b"hello", "not a gzip file"),
        (gzip.compress(b"hello", mtime=0)[:-1], "cut short"),
        (gzip.compress(b"hello", mtime=0)[:-8] + bytes(8), "incorrect data check"),
        (gzip.compress(b"hello", mtime=0) + b"x", "something follows"),
        (gzip.compress(b"hello", mtime=0) + bytes(200), "something follows"),
        (gzip.compress(b"hello", mtime=0) * 2, "something follows"),
        (gzip.compress(bytes(20 << 20), mtime=0), "unpacks to more than 200 times its size"),
        (gzip.compress(os.urandom(10**7 + 1), 1, mtime=0), "unpacks to more than 9.5 MiB"),
    ],
)
def test_what_is_not_unpacked(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"^x\.gz: .*{message}"):
        unpack(data, 4096)


def test_a_bomb_is_stopped_early() -> None:
    """It is not unpacked to its end before somebody looks at how much came out."""
    packed = gzip.compress(bytes(100 << 20))
    sizes: list[int] = []
    with pytest.raises(DataError, match="200 times"):
        sizes.extend(map(len, gunzip([packed], "x", max_bytes=1 << 40, max_ratio=200)))
    assert 0 < sum(sizes) <= 200 * len(packed) < 100 << 20
