"""Submissions that are made to exhaust or escape whoever checks them, each in a process of its own."""

from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from submission_fixtures import EVIDENCE, PLACE, default_files, write_file, write_submission
from tinybench.submissions import layout

TESTS = Path(__file__).parents[1]
GIGABYTE = 1_000_000_000

CHECK = """
    import json, sys
    from pathlib import Path
    from submission_fixtures import file_findings
    from tinybench.errors import DataError
    from tinybench.submissions import packing

    path = Path(sys.argv[1])
    try:
        if packing.is_archive(path):
            with packing.unpacked(path) as folder:
                found = file_findings(folder)
        else:
            found = file_findings(path)
    except DataError as error:
        found = (packing.ARCHIVE.found(path.name, error.message),)
    # The peak of this process alone: that of getrusage() begins with what its parent had.
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    print(json.dumps({"codes": [finding.rule.code for finding in found], "peak": peak}))
"""


def check(path: Path, temporary: Path) -> tuple[list[str], int]:
    """Codes of what is found and peak memory in bytes, of a new process."""
    environment = {
        **os.environ,
        "TMPDIR": str(temporary),
        "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]),
    }
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHECK), str(path)],
        env=environment,
        cwd=temporary,
        capture_output=True,
        check=True,
        timeout=120,
    )
    answer = json.loads(ran.stdout)
    return answer["codes"], answer["peak"]


def hundred_thousand_files(folder: Path) -> None:
    deep = folder / EVIDENCE
    for number in range(100_000):
        os.close(os.open(deep / f"{number}.txt", os.O_CREAT | os.O_WRONLY))


def two_thousand_folders(folder: Path) -> None:
    for number in range(2000):
        (folder / "evidence" / f"r-{number:016x}").mkdir()


def log_line_of_2_gb(folder: Path) -> None:
    os.truncate(folder / EVIDENCE / "performance-log.txt", 2 << 30)


def gzip_bomb(folder: Path) -> None:
    # 10 GB, which gzip itself would take a minute for: one full block after the other.
    one = gzip.compress(bytes(64 << 20), mtime=0)
    write_file(folder / EVIDENCE / "bomb.txt.gz", one * 160)


def many_gzip_bombs(folder: Path) -> None:
    """Each of them allowed: 60 MiB of lines that pack 145 to 1."""
    random = Random(1)
    lines = b"".join(b"%d\n" % random.randrange(1000) for _ in range(3000))
    bomb = gzip.compress(lines * ((60 << 20) // len(lines)), mtime=0)
    for number in range(200):
        write_file(folder / EVIDENCE / f"{number}.txt.gz", bomb)


def results_of_many_containers(folder: Path) -> None:
    for number in range(4):
        write_file(folder / f"results/{number}.json", (b"[" + b"{}," * 1_398_000)[:-1] + b"]")


def results_of_many_texts(folder: Path) -> None:
    data = b"[" + b",".join(b'"%02x"' % (number % 256) for number in range(830_000)) + b"]"
    for number in range(3):
        write_file(folder / f"results/{number}.json", data)


def results_of_bidi(folder: Path) -> None:
    for number in range(900):
        write_file(folder / f"results/{number}.json", json.dumps(["\u202e"] * 1000).encode())


def links_everywhere(folder: Path) -> None:
    for number in range(300):
        (folder / f"results/{number}.json").symlink_to("/dev/zero")
        (folder / EVIDENCE / f"{number}.txt").symlink_to("../" * 20 + "etc/passwd")
    (folder / "evidence/r-00000000000000ff").symlink_to("..")


def manifest_of_traversals(folder: Path) -> None:
    entries = [{"path": f"{'../' * 40}{number}", "bytes": 0, "sha256": "0" * 64} for number in range(1000)]
    document = {"schema": "tinybench.manifest/1", "files": entries}
    write_file(folder / "manifest.json", json.dumps(document).encode())


def toml_of_dots(folder: Path) -> None:
    write_file(folder / "system.toml", b"a" + b".a" * 32_000 + b"=1")


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        (hundred_thousand_files, "TB011"),
        (two_thousand_folders, "TB011"),
        (log_line_of_2_gb, "TB009"),
        (gzip_bomb, "TB013"),
        (many_gzip_bombs, "TB013"),
        (results_of_many_containers, "TB050"),
        (results_of_many_texts, "TB050"),
        (results_of_bidi, "TB040"),
        (links_everywhere, "TB004"),
        (manifest_of_traversals, "TB022"),
        (toml_of_dots, "TB050"),
    ],
)
def test_an_attack_is_refused_in_little_memory(
    tmp_path: Path, attack: Callable[[Path], None], code: str
) -> None:
    folder = write_submission(tmp_path / "submissions")
    attack(folder)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    codes, peak = check(folder, temporary)
    assert code in codes
    assert peak < GIGABYTE / 2
    assert list(temporary.iterdir()) == []


def zip_of_many(path: Path) -> None:
    """A .zip of the largest size that is looked at, whose directory lists two million files."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    count = layout.MAX_BYTES // len(entry)
    directory = entry * count
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(directory + end64 + locator + end)


def zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in default_files().items():
            archive.writestr(f"{PLACE}/{name}", data)
        with archive.open(f"{PLACE}/{EVIDENCE}/zeros.txt", "w") as stream:
            for _ in range(600):
                stream.write(bytes(1 << 20))


def zip_of_zips(path: Path) -> None:
    zip_bomb(path)
    with zipfile.ZipFile(path.with_name("outer.zip"), "w") as archive:
        archive.write(path, f"{PLACE}/{EVIDENCE}/inner.txt")
    path.with_name("outer.zip").replace(path)


@pytest.mark.parametrize(
    ("attack", "code"), [(zip_of_many, "TB060"), (zip_bomb, "TB060"), (zip_of_zips, "TB008")]
)
def test_an_archive_is_refused_in_little_memory(
    tmp_path: Path, attack: Callable[[Path], None], code: str
) -> None:
    attack(tmp_path / "a.zip")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    codes, peak = check(tmp_path / "a.zip", temporary)
    assert code in codes
    assert peak < GIGABYTE / 2
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "tmp"]


def test_a_bomb_as_tar(tmp_path: Path) -> None:
    """Also one whose headers alone are the bomb: a name of 1 GB."""
    header = b"././@LongLink".ljust(100, b"\0") + b"0000644\0" * 3 + b"10000000000\0" + b"00000000000\0"
    header = (header.ljust(148, b"\0") + b" " * 8 + b"L").ljust(257, b"\0") + b"ustar  \0"
    header = header.ljust(512, b"\0")
    checksum = b"%06o\0 " % sum(header)
    header = header[:148] + checksum + header[156:]
    with gzip.open(tmp_path / "a.tar.gz", "wb", compresslevel=1) as stream:
        stream.write(header)
        for _ in range(300):
            stream.write(b"a" * (1 << 20))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    codes, peak = check(tmp_path / "a.tar.gz", temporary)
    assert codes == ["TB060"]
    assert peak < GIGABYTE
    assert list(temporary.iterdir()) == []
