"""Manifest and archive of a submission, there and back, and archives that are none."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from data_fixtures import member, write_tar, write_zip
from hypothesis import given, settings
from hypothesis import strategies as st

from submission_fixtures import EVIDENCE, PLACE, default_files, file_findings, write_file, write_submission
from tinybench.errors import DataError, OutputError, UsageError
from tinybench.submissions import layout, manifest, scanning
from tinybench.submissions.manifest import Manifest
from tinybench.submissions.packing import is_archive, pack, unpacked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_submission(tmp_path / "submissions", with_manifest=False)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if not p.is_dir()}


def test_packing_writes_the_manifest_and_nothing_else(folder: Path) -> None:
    before = tree(folder)
    packed = pack(folder)
    data = (folder / "manifest.json").read_bytes()
    assert (packed.findings, packed.digest) == ((), manifest.digest(data))
    assert tree(folder) == {**before, "manifest.json": data}
    listed = [entry.path for entry in Manifest.model_validate_json(data).files]
    assert listed == sorted(path for path in before if not path.startswith("attestations/"))
    assert file_findings(folder) == ()


def test_the_hashes_are_those_of_sha256sum(folder: Path) -> None:
    pack(folder)
    entries = Manifest.model_validate_json((folder / "manifest.json").read_bytes()).files
    lines = "".join(f"{entry.sha256}  {entry.path}\n" for entry in entries)
    subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet"], input=lines.encode(), cwd=folder, check=True
    )
    assert {entry.path: entry.bytes for entry in entries} == {
        path: len(data) for path, data in default_files().items() if not path.startswith("attestations/")
    }


def test_packing_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first = pack(folder, tmp_path / "a.zip")
    (folder / "system.toml").touch()
    (folder / "README.md").chmod(0o600)
    second = pack(folder, tmp_path / "b.zip")
    assert first == second
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_an_attestation_changes_no_digest(folder: Path) -> None:
    first = pack(folder)
    write_file(folder / "attestations/other.dsse.json", b"{}")
    assert pack(folder) == first


def test_what_breaks_a_rule_is_not_packed(folder: Path, tmp_path: Path) -> None:
    write_file(folder / EVIDENCE / "firmware.elf", b"\x7fELF")
    before = tree(tmp_path)
    packed = pack(folder, tmp_path / "a.zip")
    assert [finding.rule.code for finding in packed.findings] == ["TB001"]
    assert packed.digest is None
    assert tree(tmp_path) == before


def test_a_submission_in_another_place_is_not_packed(tmp_path: Path) -> None:
    folder = write_submission(tmp_path / "Submissions", "2026.1/Acme/one", with_manifest=False)
    packed = pack(folder)
    assert [finding.rule.code for finding in packed.findings] == ["TB014"]
    assert not (folder / "manifest.json").exists()


@pytest.mark.parametrize("name", ["a.tar", "a", "2026.1/acme/board-one/a.zip"])
def test_an_archive_in_a_wrong_place(folder: Path, name: str) -> None:
    with pytest.raises(UsageError):
        pack(folder, folder.parents[2] / name)
    assert not (folder / "manifest.json").exists()


def test_an_archive_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        pack(folder, tmp_path / "none" / "a.zip")


def test_ctrl_c_while_packing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_file(tmp_path / "out" / "a.zip", b"the one before")
    written = []

    def interrupt(self: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
        written.append(info.filename)
        if len(written) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "writestr", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pack(folder, archive)
    assert tree(archive.parent) == {"a.zip": b"the one before"}


def test_there_and_back(folder: Path, tmp_path: Path, temporary: Path) -> None:
    pack(folder, tmp_path / "a.zip")
    with unpacked(tmp_path / "a.zip") as back:
        assert tree(back) == tree(folder)
        assert back.relative_to(back.parents[2]).as_posix() == PLACE
        assert file_findings(back) == ()
        assert temporary in back.parents
    assert list(temporary.iterdir()) == []


def test_an_archive_of_a_tar(folder: Path, tmp_path: Path, temporary: Path) -> None:
    pack(folder)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(folder.parents[1], "2026.1")
    with unpacked(tmp_path / "a.tar.gz") as back:
        assert tree(back) == tree(folder)
        assert file_findings(back) == ()


def test_what_an_archive_has_too_much_is_seen_by_its_rule(tmp_path: Path, temporary: Path) -> None:
    members = {f"{PLACE}/{path}": data for path, data in default_files().items()}
    members[f"{PLACE}/run.sh"] = b"#!/bin/sh\n"
    archive = write_zip(tmp_path / "a.zip", members)
    with unpacked(archive) as back:
        codes = [finding.rule.code for finding in file_findings(back)]
    assert codes == ["TB001", "TB020"]


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({f"{PLACE}/../../../../evil": b"x"}, "points outside"),
        ({"/etc/evil": b"x"}, "points outside"),
        ({f"{PLACE}/a\\..\\..\\evil": b"x"}, "points outside"),
        ({link(f"{PLACE}/results/a.json"): b"/etc/passwd"}, "is a link"),
        ({"system.toml": b""}, "does not lie in"),
        ({"2026.1/\u0430cme/one/system.toml": b""}, "does not lie in"),
        (
            {"2026.1/acme/one/system.toml": b"", "2026.1/acme/two/system.toml": b""},
            "more than one submission",
        ),
        ({f"{PLACE}/{'a/' * 200}b": b"x"}, "lies too deep"),
        ({f"{PLACE}/{'a' * 300}": b"x"}, "too long a name"),
        ({f"{PLACE}/a": b"x", f"{PLACE}/a/b": b"y"}, "lies in a file"),
        ({f"{PLACE}/zeros": bytes(200 << 20)}, "unpacks to more than"),
        ({f"{PLACE}/{number}": b"" for number in range(1100)}, "more than 1004 members"),
        ({}, "holds no file"),
        ({f"{PLACE}/": b""}, "holds no file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_archive_that_is_refused(
    tmp_path: Path, temporary: Path, members: dict[str | zipfile.ZipInfo, bytes], reason: str
) -> None:
    archive = write_zip(tmp_path / "a.zip", members)
    with pytest.raises(DataError, match=reason), unpacked(archive):
        pytest.fail("was unpacked")
    assert list(temporary.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir() if path != temporary] == ["a.zip"]


def test_a_tar_with_links(tmp_path: Path, temporary: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
        archive = write_tar(tmp_path / "a.tar.gz", [member(f"{PLACE}/a", type=kind, linkname="/etc/passwd")])
        with pytest.raises(DataError, match="is a link"), unpacked(archive):
            pytest.fail("was unpacked")
    assert list(temporary.iterdir()) == []


def test_a_zip_with_a_huge_directory(tmp_path: Path, temporary: Path) -> None:
    """100,000 members cost nothing to pack and 60 MB to list: they are counted before they are listed."""
    archive = write_zip(
        tmp_path / "a.zip", {f"{PLACE}/results/{number:060}.json": b"" for number in range(20_000)}
    )
    with pytest.raises(DataError, match="more than 1004 members"), unpacked(archive):
        pytest.fail("was unpacked")


def test_an_archive_that_is_too_large_to_be_opened(tmp_path: Path) -> None:
    with (tmp_path / "a.zip").open("wb") as stream:
        stream.truncate(layout.MAX_BYTES * 2)
    with pytest.raises(DataError, match=r"has 200\.0 MiB, more than"), unpacked(tmp_path / "a.zip"):
        pytest.fail("was unpacked")


def test_an_archive_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"), unpacked(tmp_path / "a.zip"):
        pytest.fail("was unpacked")


def test_ctrl_c_while_a_submission_is_unpacked(folder: Path, tmp_path: Path, temporary: Path) -> None:
    pack(folder, tmp_path / "a.zip")
    with pytest.raises(KeyboardInterrupt), unpacked(tmp_path / "a.zip"):
        raise KeyboardInterrupt
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "answer"),
    [("a.zip", True), ("A.ZIP", True), ("a.tar.gz", True), ("a.tgz", True), ("a.gz", False)],
)
def test_what_is_called_like_an_archive(name: str, answer: bool) -> None:
    assert is_archive(Path(name)) is answer


def test_a_file_that_changes_while_it_is_hashed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = scanning.scan(folder).inventory
    write_file(folder / "results/kws.json", b"{}" * (1 << 18))
    really = os.read

    def growing(descriptor: int, count: int) -> bytes:
        with (folder / "results/kws.json").open("ab") as stream:
            stream.write(b"{}")
        return really(descriptor, count)

    monkeypatch.setattr(os, "read", growing)
    with pytest.raises(DataError, match="changed while it was read"):
        manifest.build(folder, inventory)


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,20}\Z"), st.binary(max_size=50), min_size=1, max_size=8
    )
)
def test_any_packed_logs_come_back(logs: dict[str, bytes]) -> None:
    """Whatever the logs are called and hold: either a rule says no, or the archive gives back the same."""
    with tempfile.TemporaryDirectory() as base:
        files = {f"{EVIDENCE}/{name}.txt": data for name, data in logs.items()}
        folder = write_submission(Path(base, "submissions"), files=files, with_manifest=False)
        packed = pack(folder, Path(base, "a.zip"))
        assert (packed.digest is None) == bool(packed.findings)
        if packed.digest is not None:
            with unpacked(Path(base, "a.zip")) as back:
                assert tree(back) == tree(folder)
                assert file_findings(back) == ()


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str, dict[str, bytes]]:
    """An archive, the digest of its manifest, and what it holds."""
    base = tmp_path_factory.mktemp("archived")
    folder = write_submission(base / "submissions", with_manifest=False)
    digest = pack(folder, base / "a.zip").digest
    assert digest is not None
    return (base / "a.zip").read_bytes(), digest, signed(tree(folder))


def signed(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files that a manifest lists, and itself."""
    return {path: data for path, data in files.items() if "attestations" not in path}


@given(noise=st.binary(max_size=200), at=st.integers(0, 3000))
def test_damage_to_an_archive_is_refused_or_found(
    archived: tuple[bytes, str, dict[str, bytes]], noise: bytes, at: int
) -> None:
    """No change of its bytes unpacks to a submission that passes and is another one."""
    data, digest, expected = archived
    with tempfile.TemporaryDirectory() as base:
        Path(base, "a.zip").write_bytes(data[:at] + noise + data[at + len(noise) :])
        try:
            with unpacked(Path(base, "a.zip")) as back:
                inventory = scanning.scan(back).inventory
                good = not file_findings(back) and manifest.check(back, inventory).digest == digest
                assert not good or signed(tree(back)) == expected
        except DataError:
            pass


def test_a_zip_and_io_are_read_as_python_reads_them(folder: Path, tmp_path: Path) -> None:
    """The archive is plain: any tool opens it."""
    pack(folder, tmp_path / "a.zip")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "a.zip").read_bytes())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{PLACE}/{path}" for path in sorted(tree(folder))]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
