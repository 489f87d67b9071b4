"""Archives that want to do more than be unpacked."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from data_fixtures import Corpus, member, write_tar, write_zip
from hypothesis import given
from hypothesis import strategies as st

from tinybench.datasets import store
from tinybench.datasets.importing import import_path
from tinybench.errors import DataError, OutputError
from tinybench.files import archives
from tinybench.files.archives import Limits

ROOMY = Limits(bytes=10_000_000, members=1000)


def everything(path: PurePosixPath) -> str:
    return str(path)


def nothing(path: PurePosixPath) -> None:
    return None


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "outer" / "into"
    folder.mkdir(parents=True)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if not p.is_dir()}


def test_wanted_files_are_written(tmp_path: Path, into: Path) -> None:
    archive = write_tar(
        tmp_path / "a.tar.gz", [member("./x/a", b"1"), member("y/b", b"2"), member("c", b"3")]
    )
    steps: list[tuple[str, int, int]] = []
    count = archives.extract(
        archive,
        into,
        place=lambda path: str(path) if len(path.parts) == 2 else None,
        limits=ROOMY,
        progress=lambda *step: steps.append(step),
        total=2,
    )
    assert count == 2
    assert files(into) == {"x/a": b"1", "y/b": b"2"}
    assert steps == [("unpack", 1, 2), ("unpack", 2, 2)]


def test_mode_and_owner_are_left_out(tmp_path: Path, into: Path) -> None:
    archive = write_tar(tmp_path / "a.tar.gz", [member("a", b"1", mode=0o4777, uid=12345)])
    archives.extract(archive, into, place=everything, limits=ROOMY)
    assert (into / "a").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/tmp/evil", "..", "a\\..\\evil", "new\nline/evil", "bell\x07"]
)
def test_a_path_that_leads_outside(tmp_path: Path, into: Path, name: str) -> None:
    archive = write_tar(tmp_path / "a.tar.gz", [member(name, b"evil")])
    with pytest.raises(DataError, match="points outside or has a malformed name"):
        archives.extract(archive, into, place=everything, limits=ROOMY)
    assert files(into.parent) == {}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices(tmp_path: Path, into: Path, kind: bytes) -> None:
    archive = write_tar(
        tmp_path / "a.tar.gz", [member("yes", type=kind, linkname="/etc"), member("yes/passwd", b"x")]
    )
    with pytest.raises(DataError, match="'yes' is a link, a device or a sparse file"):
        archives.extract(archive, into, place=nothing, limits=ROOMY)
    assert files(into.parent) == {}


def test_a_sparse_file(tmp_path: Path, into: Path) -> None:
    archive = write_tar(tmp_path / "a.tar.gz", [member("a", type=tarfile.GNUTYPE_SPARSE)])
    with pytest.raises(DataError, match="sparse"):
        archives.extract(archive, into, place=everything, limits=ROOMY)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_bomb_of_bytes(tmp_path: Path, into: Path, wanted: bool) -> None:
    archive = write_tar(tmp_path / "a.tar.gz", [member("zeros", bytes(3_000_000))])
    assert archive.stat().st_size < 10_000
    with pytest.raises(DataError, match=r"unpacks to more than 1\.9 MiB"):
        archives.extract(archive, into, place=everything if wanted else nothing, limits=Limits(2_000_000, 10))


def test_a_bomb_of_headers(tmp_path: Path, into: Path) -> None:
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * 3_000_000}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info)
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(gzip.compress(buffer.getvalue()))
    with pytest.raises(DataError, match="unpacks to more than"):
        archives.extract(archive, into, place=everything, limits=Limits(1_000_000, 10))


def test_a_bomb_of_members(tmp_path: Path, into: Path) -> None:
    archive = write_tar(tmp_path / "a.tar.gz", [member(f"f{i}") for i in range(11)])
    with pytest.raises(DataError, match="more than 10 members"):
        archives.extract(archive, into, place=everything, limits=Limits(1_000_000, 10))


def test_limits_leave_room_for_what_is_expected(corpus: Corpus) -> None:
    limits = Limits.of(corpus.archive)
    assert limits.members >= 2 * 36
    assert limits.bytes >= archives.unpacked_bytes(corpus.archive)


def test_the_unpacked_size_is_known_beforehand(corpus: Corpus) -> None:
    assert archives.unpacked_bytes(corpus.archive) == len(gzip.decompress(corpus.archive.read_bytes()))


def test_a_file_that_is_there_twice(tmp_path: Path, into: Path) -> None:
    archive = write_tar(tmp_path / "a.tar.gz", [member("a", b"1"), member("./a", b"2")])
    with pytest.raises(DataError, match="there twice"):
        archives.extract(archive, into, place=everything, limits=ROOMY)


@pytest.mark.parametrize("damage", ["cut", "flipped", "not gzip", "not tar", "empty"])
def test_a_broken_archive(corpus: Corpus, tmp_path: Path, into: Path, damage: str) -> None:
    data = bytearray(corpus.archive.read_bytes())
    middle = len(data) // 2
    broken = {
        "cut": data[:middle],
        "flipped": data[:middle] + bytes(64) + data[middle + 64 :],
        "not gzip": b"<html></html>" * 10,
        "not tar": gzip.compress(b"hello" * 1000),
        "empty": b"",
    }[damage]
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(broken)
    with pytest.raises(DataError, match="cannot be unpacked"):
        archives.extract(archive, into, place=everything, limits=ROOMY)


def test_a_missing_archive(tmp_path: Path, into: Path) -> None:
    with pytest.raises(DataError, match="cannot be unpacked"):
        archives.extract(tmp_path / "none.tar.gz", into, place=everything, limits=ROOMY)


def test_a_disk_that_fills_up_while_unpacking(
    corpus: Corpus, data_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_path(corpus.dataset, "test", corpus.archive)
    copy, calls = shutil.copyfileobj, []

    def filling(source: Any, target: Any, length: int = 0) -> None:
        calls.append(target)
        if len(calls) == 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, target, length)

    monkeypatch.setattr(shutil, "copyfileobj", filling)
    with pytest.raises(OutputError, match="disk is full"):
        import_path(corpus.dataset, "test", corpus.archive)
    assert len(calls) == 20
    assert store.status(corpus.dataset, "test").state == "present"
    assert [path.name for path in (data_cache / "datasets" / "mini").iterdir()] == ["test"]


def test_ctrl_c_while_unpacking(corpus: Corpus, data_cache: Path) -> None:
    def interrupt(step: str, done: int, total: int) -> None:
        if (step, done) == ("unpack", 20):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_path(corpus.dataset, "test", corpus.archive, interrupt)
    assert store.status(corpus.dataset, "test").detail == "downloaded, not unpacked"
    assert list((data_cache / "datasets" / "mini").iterdir()) == []


def test_a_zip_is_unpacked(tmp_path: Path, into: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"x/": b"", "x/a": b"1" * 5000, "y/b": b"2", "c": b"3"})
    steps: list[tuple[str, int, int]] = []
    count = archives.extract(
        archive,
        into,
        place=lambda path: path.name if path.parts[0] == "x" else None,
        limits=ROOMY,
        progress=lambda *step: steps.append(step),
        total=1,
    )
    assert (count, files(into), steps) == (1, {"a": b"1" * 5000}, [("unpack", 1, 1)])
    assert archives.unpacked_bytes(archive) == 5002


@pytest.mark.parametrize("name", ["../evil", "x/../../evil", "/evil", "..\\evil", "a\nb"])
@pytest.mark.parametrize("wanted", [True, False])
def test_a_zip_that_points_outside(tmp_path: Path, into: Path, name: str, wanted: bool) -> None:
    archive = write_zip(tmp_path / "a.zip", {name: b"x"})
    with pytest.raises(DataError, match="points outside or has a malformed name"):
        archives.extract(archive, into, place=everything if wanted else nothing, limits=ROOMY)
    assert files(tmp_path) == {"a.zip": archive.read_bytes()}


def test_a_zip_with_a_null_byte_in_a_name(tmp_path: Path, into: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"a#b": b"x"})
    archive.write_bytes(archive.read_bytes().replace(b"a#b", b"a\0b"))
    with pytest.raises(DataError, match="malformed name"):
        archives.extract(archive, into, place=everything, limits=ROOMY)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip(tmp_path: Path, into: Path, kind: int) -> None:
    info = zipfile.ZipInfo("yes")
    info.external_attr = (kind | 0o777) << 16
    archive = write_zip(tmp_path / "a.zip", {info: b"/etc/passwd"})
    with pytest.raises(DataError, match="'yes' is a link or a device"):
        archives.extract(archive, into, place=everything, limits=ROOMY)
    assert files(into.parent) == {}


def test_a_zip_bomb(tmp_path: Path, into: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"zeros": bytes(3_000_000)})
    assert archive.stat().st_size < 10_000
    with pytest.raises(DataError, match=r"unpacks to more than 1\.9 MiB"):
        archives.extract(archive, into, place=everything, limits=Limits(2_000_000, 10))
    assert files(into) == {}


def test_a_zip_bomb_that_lies_about_its_size(tmp_path: Path, into: Path) -> None:
    """The directory says 10 bytes; what is packed unpacks to 3 MB. No more than 10 bytes are written."""
    archive = write_zip(tmp_path / "a.zip", {"zeros": bytes(3_000_000)})
    true, lie = struct.pack("<L", 3_000_000), struct.pack("<L", 10)
    archive.write_bytes(archive.read_bytes().replace(true, lie))
    with pytest.raises(DataError, match="cannot be unpacked"):
        archives.extract(archive, into, place=everything, limits=Limits(2_000_000, 10))
    assert sum(len(content) for content in files(into).values()) <= 10


def test_a_zip_bomb_of_members(tmp_path: Path, into: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {f"f{i}": b"" for i in range(11)})
    with pytest.raises(DataError, match="more than 10 members"):
        archives.extract(archive, into, place=everything, limits=Limits(1_000_000, 10))


def test_a_file_that_is_there_twice_in_a_zip(tmp_path: Path, into: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"a": b"1", "./a": b"2"})
    with pytest.raises(DataError, match="there twice"):
        archives.extract(archive, into, place=everything, limits=ROOMY)


@pytest.mark.parametrize("bit", [0x1, 0x20, 0x40])
def test_an_encrypted_zip(tmp_path: Path, into: Path, bit: int) -> None:
    archive = write_zip(tmp_path / "a.zip", {"a": b"1"})
    data = bytearray(archive.read_bytes())
    directory = data.index(b"PK\1\2")
    data[directory + 8] |= bit
    archive.write_bytes(data)
    with pytest.raises(DataError, match="'a' is encrypted"):
        archives.extract(archive, into, place=everything, limits=ROOMY)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_is_packed_in_an_unusual_way(tmp_path: Path, into: Path, method: int) -> None:
    archive = write_zip(tmp_path / "a.zip", {"a": b"1"}, method)
    with pytest.raises(DataError, match="packed in an unusual way"):
        archives.extract(archive, into, place=everything, limits=ROOMY)


@pytest.mark.parametrize("damage", ["cut", "head cut", "flipped", "renamed", "not zip", "empty"])
def test_a_broken_zip(tmp_path: Path, into: Path, damage: str) -> None:
    content = bytes(range(256)) * 40
    archive = write_zip(tmp_path / "a.zip", {"abc": content, "b": content}, zipfile.ZIP_STORED)
    data = archive.read_bytes()
    archive.write_bytes(
        {
            "cut": data[:-30],
            "head cut": data[5000:],
            "flipped": data[:2000] + bytes(64) + data[2064:],
            "renamed": data.replace(b"abc", b"xyz", 1),
            "not zip": b"<html></html>" * 10,
            "empty": b"",
        }[damage]
    )
    with pytest.raises(DataError, match="cannot be unpacked"):
        archives.extract(archive, into, place=everything, limits=ROOMY)
    if damage in ("cut", "not zip", "empty"):
        with pytest.raises(DataError, match="cannot be unpacked"):
            archives.unpacked_bytes(archive)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_damage_to_a_zip_is_a_data_error_or_none_at_all(noise: bytes, at: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = write_zip(Path(folder, "a.zip"), {"x/a": b"hello" * 30, "x/b": b"world"})
        data = archive.read_bytes()
        archive.write_bytes(data[:at] + noise + data[at + len(noise) :])
        into = Path(folder, "into")
        with contextlib.suppress(DataError):
            archives.extract(archive, into, place=everything, limits=ROOMY)
        assert all(path.is_relative_to(into) for path in Path(folder).rglob("*") if path.name != "a.zip")
