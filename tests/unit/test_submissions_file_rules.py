"""Each rule about the files of a submission, broken alone."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from submission_fixtures import (
    EVIDENCE,
    LOG,
    PLACE,
    file_findings,
    npy,
    repack,
    write_file,
    write_submission,
)
from tinybench.submissions import layout, manifest, packing, scanning, text
from tinybench.submissions.findings import RULES, Finding

Break = Callable[[Path], object]


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return sorted({finding.rule.code for finding in findings})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_submission(tmp_path / "submissions")


def adding(path: str, content: bytes) -> Break:
    """A file more, which the manifest covers if it may."""

    def apply(folder: Path) -> None:
        write_file(folder / path, content)
        repack(folder)

    return apply


def without_packing(path: str, content: bytes) -> Break:
    return lambda folder: write_file(folder / path, content)


def sparse(path: str, size: int) -> Break:
    def apply(folder: Path) -> None:
        write_file(folder / path, b"")
        os.truncate(folder / path, size)

    return apply


def editing(change: Callable[[dict], object]) -> Break:
    """The manifest, changed and written as tinybench writes it."""

    def apply(folder: Path) -> None:
        document = json.loads((folder / "manifest.json").read_bytes())
        change(document)
        (folder / "manifest.json").write_text(json.dumps(document, indent=2) + "\n")

    return apply


def listing(path: str) -> Break:
    return editing(lambda document: document["files"].append({"path": path, "bytes": 1, "sha256": "0" * 64}))


def pipe(folder: Path) -> None:
    os.mkfifo(folder / EVIDENCE / "log.txt")


def unix_socket(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, socket.socket(socket.AF_UNIX) as made:
        patch.chdir(folder / EVIDENCE)  # the address of a socket is short
        made.bind("s.txt")


def executable_mode(folder: Path) -> None:
    (folder / EVIDENCE / "performance-log.txt").chmod(0o755)


def many(folder: Path) -> None:
    for number in range(layout.MAX_FILES):
        (folder / EVIDENCE / f"{number}.txt").touch()


def much(folder: Path) -> None:
    for number in range(3):
        sparse(f"{EVIDENCE}/{number}.csv", 40 * layout.MIB)(folder)
        with (folder / EVIDENCE / f"{number}.csv").open("r+b") as stream:
            stream.write(b"no NUL where it is looked for\n" * 300)
    repack(folder)


def many_results(folder: Path) -> None:
    for number in range(5):
        write_file(folder / f"results/{number}.json", b'{"a": "b"}'.ljust(4 * layout.MIB))
    manifest.write(folder, manifest.build(folder, scanning.scan(folder).inventory))


def same_size(folder: Path) -> None:
    path = folder / "results/kws.json"
    path.write_bytes(path.read_bytes().replace(b"1.5", b"2.5"))


def moved(folder: Path) -> None:
    folder.rename(folder.with_name("Board-One"))


def reformatted(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text())))


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


LINES = b"".join(b"%d\n" % (number * 7919 % 1000) for number in range(3000))
BOMB = gzip.compress(LINES * ((129 << 20) // len(LINES)))
"""129 MiB of lines that pack 171 to 1."""
SCRIPT = b'{"source": {"repository": "javascript:alert(1)"}}'
BIDI = 'board = "One \u202etset"\n'.encode()
HEX = b":020000040800F2\r\n:10000000000000200D01000800000000000000\r\n"
OBJECTS = npy(np.array([{"a": 1}], dtype=object))

RECORDS = npy(np.array([(1, None)], dtype=[("a", "i4"), ("b", "O")]))

BREAKS: list[tuple[str, str, Break]] = [
    ("TB001", "a script", without_packing("run.sh", b"echo")),
    ("TB001", "firmware", without_packing(f"{EVIDENCE}/firmware.elf", b"x")),
    ("TB001", "a model", without_packing(f"{EVIDENCE}/model.tflite", b"x")),
    ("TB001", "a nested result", without_packing("results/more/kws.json", b"{}")),
    ("TB001", "a deep nest", without_packing("a/" * 400 + "b.json", b"{}")),
    ("TB001", "evidence of nothing", without_packing("evidence/log.txt", b"x")),
    ("TB001", "evidence below no result", without_packing("evidence/kws/log.txt", b"x")),
    ("TB001", "an unsigned attestation", without_packing("attestations/acme.json", b"{}")),
    ("TB001", "a misspelt manifest", without_packing("Manifest.jsn", b"{}")),
    ("TB002", "a dot file", without_packing(".DS_Store", b"x")),
    ("TB002", "a git folder", without_packing(".git/config", b"x")),
    ("TB002", "a space", without_packing(f"{EVIDENCE}/my log.txt", b"x")),
    ("TB002", "a Cyrillic letter", without_packing("results/kw\u0455.json", b"{}")),
    ("TB002", "a long name", without_packing(f"results/{'a' * 96}.json", b"{}")),
    ("TB002", "a newline", without_packing("results/a\nb.json", b"{}")),
    ("TB002", "a device of Windows", without_packing("results/aux.json", b"{}")),
    ("TB002", "not UTF-8", without_packing(os.fsdecode(b"results/\xff.json"), b"{}")),
    ("TB003", "two cases", adding("results/KWS.json", b"{}")),
    ("TB004", "a link to a file", lambda folder: (folder / "results/a.json").symlink_to("/etc/passwd")),
    ("TB004", "a link to a folder", lambda folder: (folder / "evidence/r-0000000000000000").symlink_to("/")),
    ("TB004", "a link to nothing", lambda folder: (folder / "results/a.json").symlink_to("b.json")),
    ("TB005", "a pipe", pipe),
    ("TB005", "a socket", unix_socket),
    ("TB006", "ELF", without_packing(f"{EVIDENCE}/log.txt", b"\x7fELF\2\1\1" + bytes(60))),
    ("TB006", "PE", without_packing(f"{EVIDENCE}/log.txt", b"MZ\x90\0\3" + bytes(60))),
    ("TB006", "Mach-O", without_packing(f"{EVIDENCE}/log.txt", bytes.fromhex("cffaedfe") + bytes(60))),
    ("TB006", "a script", without_packing(f"{EVIDENCE}/log.txt", b"#!/bin/sh\nrm -rf /\n")),
    ("TB006", "Intel HEX", without_packing(f"{EVIDENCE}/log.txt", HEX)),
    ("TB006", "S-records", without_packing(f"{EVIDENCE}/log.txt", b"S00600004844521B\n")),
    ("TB006", "a script in a .gz", without_packing(f"{EVIDENCE}/a.txt.gz", gzip.compress(b"#!/bin/sh\n"))),
    ("TB008", "pickled objects", without_packing(f"{EVIDENCE}/a.npy", OBJECTS)),
    ("TB006", "ELF called .bin", without_packing(f"{EVIDENCE}/a.bin", b"\x7fELF" + bytes(60))),
    ("TB007", "chmod +x", executable_mode),
    ("TB008", "binary in a text", without_packing(f"{EVIDENCE}/log.txt", b"a\0b")),
    ("TB008", "a zip in a text", without_packing(f"{EVIDENCE}/log.txt", zipped("a", b"1"))),
    ("TB008", "a tar in a text", without_packing(f"{EVIDENCE}/log.txt", tarred("a", b"1"))),
    ("TB008", "a gz in a text", without_packing(f"{EVIDENCE}/log.txt", gzip.compress(b"1"))),
    ("TB008", "text in a gz", without_packing(f"{EVIDENCE}/log.txt.gz", LOG)),
    ("TB008", "a gz in a gz", without_packing(f"{EVIDENCE}/log.txt.gz", gzip.compress(gzip.compress(LOG)))),
    ("TB008", "a raw firmware image", without_packing(f"{EVIDENCE}/a.bin", b"\0\0\2 \xcd\1\0\b")),
    ("TB008", "a trace without rate", without_packing(f"{EVIDENCE}/a.bin", b"\xf1\0\0\xc0\x7f")),
    ("TB008", "no figure", without_packing(f"{EVIDENCE}/a.png", b"<svg onload=alert(1)>")),
    ("TB008", "records of objects", without_packing(f"{EVIDENCE}/a.npy", RECORDS)),
    ("TB008", "no array", without_packing(f"{EVIDENCE}/a.npy", b"1, 2, 3")),
    ("TB009", "a log line of 2 GB", sparse(f"{EVIDENCE}/log.txt", 2 << 30)),
    ("TB009", "a trace of 1 TB", sparse(f"{EVIDENCE}/a.bin", 1 << 40)),
    ("TB009", "a large result", sparse("results/a.json", layout.MIB * 4 + 1)),
    ("TB009", "a large README.md", lambda folder: os.truncate(folder / "README.md", layout.MIB)),
    ("TB009", "a large manifest", lambda folder: os.truncate(folder / "manifest.json", layout.MIB)),
    ("TB010", "120 MiB", much),
    ("TB010", "20 MiB of results", many_results),
    ("TB011", "1,000 files more", many),
    ("TB013", "a bomb", without_packing(f"{EVIDENCE}/a.txt.gz", BOMB)),
    ("TB013", "a small bomb", without_packing(f"{EVIDENCE}/a.txt.gz", gzip.compress(b"\n" * (2 << 20)))),
    ("TB013", "a cut .gz", without_packing(f"{EVIDENCE}/a.txt.gz", gzip.compress(LOG)[:-4])),
    ("TB013", "two members", without_packing(f"{EVIDENCE}/a.txt.gz", gzip.compress(LOG) * 2)),
    ("TB014", "an upper-case system", moved),
    ("TB017", "packed and not", adding(f"{EVIDENCE}/performance-log.txt.gz", gzip.compress(LOG))),
    ("TB020", "no manifest", lambda folder: (folder / "manifest.json").unlink()),
    ("TB021", "not JSON", without_packing("manifest.json", b"{'schema'")),
    ("TB021", "NaN", editing(lambda document: document["files"][0].update(bytes=float("nan")))),
    ("TB021", "a huge number", editing(lambda document: document["files"][0].update(bytes=10**400))),
    ("TB021", "a float", editing(lambda document: document["files"][0].update(bytes=1.0))),
    ("TB021", "a negative size", editing(lambda document: document["files"][0].update(bytes=-1))),
    ("TB021", "another schema", editing(lambda document: document.update(schema="tinybench.manifest/9"))),
    ("TB021", "a key too many", editing(lambda document: document.update(signed=True))),
    ("TB021", "no files", editing(lambda document: document.pop("files"))),
    ("TB021", "deep", without_packing("manifest.json", b"[" * 5000 + b"]" * 5000)),
    ("TB022", "climbing", listing("../../../../etc/passwd")),
    ("TB022", "absolute", listing("/etc/passwd")),
    ("TB022", "a drive", listing("C:/Windows/win.ini")),
    ("TB022", "backslashes", listing("results\\a.json")),
    ("TB022", "NUL", listing("results/a.json\0.png")),
    ("TB022", "escape codes", listing("results/\x1b[2Ja.json")),
    ("TB022", "hidden", listing(".git/config")),
    ("TB022", "not in the layout", listing("firmware.elf")),
    ("TB022", "itself", listing("manifest.json")),
    ("TB022", "an attestation", listing("attestations/acme.dsse.json")),
    ("TB022", "an empty path", listing("")),
    ("TB022", "a doubled slash", listing("results//kws.json")),
    ("TB022", "a dot", listing("./results/kws.json")),
    ("TB023", "twice", editing(lambda document: document["files"].append(document["files"][0]))),
    ("TB024", "a lost log", lambda folder: (folder / EVIDENCE / "performance-log.txt").unlink()),
    ("TB025", "a log more", without_packing(f"{EVIDENCE}/energy-log.txt", LOG)),
    ("TB026", "a longer log", without_packing(f"{EVIDENCE}/performance-log.txt", LOG + LOG)),
    ("TB027", "another figure", same_size),
    ("TB028", "another order", editing(lambda document: document["files"].reverse())),
    ("TB028", "one line", reformatted),
    ("TB040", "bidi in TOML", adding("system.toml", BIDI)),
    ("TB040", "bidi in JSON", adding("results/a.json", b'{"notes": ["\\u202e"]}')),
    ("TB040", "an escape code", adding("results/a.json", b'{"notes": "\\u001b[2J"}')),
    ("TB040", "zero width in a key", adding("results/a.json", b'{"a\\u200bb": 1}')),
    ("TB040", "not NFC", adding("results/a.json", '{"name": "e\u0301"}'.encode())),
    ("TB040", "bidi in README.md", adding("README.md", "a\u2066b\n".encode())),
    ("TB041", "a script", adding("results/a.json", b'{"device": {"chip": "<script>alert(1)</script>"}}')),
    ("TB041", "a script in TOML", adding("system.toml", b'board = "<img src=x onerror=alert(1)>"')),
    ("TB041", "a closing tag in a key", adding("results/a.json", b'{"</td>": 1}')),
    ("TB041", "a comment in README.md", adding("README.md", b"text <!-- hidden --> text\n")),
    ("TB042", "a Cyrillic organisation", adding("system.toml", 'organisation = "\u0410cme"'.encode())),
    ("TB042", "a Greek board", adding("results/a.json", '{"device": {"board": "\u0391cme"}}'.encode())),
    ("TB042", "a mathematical engine", adding("system.toml", '[engine]\nname = "\U0001d413FLM"'.encode())),
    ("TB043", "a long name", adding("system.toml", b"title = '%s'" % (b"a" * 101))),
    ("TB044", "a script as address", adding("results/a.json", SCRIPT)),
    ("TB043", "a long text", adding("results/a.json", json.dumps({"a": "b" * 4001}).encode())),
    ("TB050", "NaN", adding("results/a.json", b'{"value": NaN}')),
    ("TB050", "infinity", adding("results/a.json", b'{"value": 1e999}')),
    ("TB050", "a huge number", adding("results/a.json", b'{"value": 1e31}')),
    ("TB050", "thousands of digits", adding("results/a.json", b'{"value": ' + b"9" * 5000 + b"}")),
    ("TB050", "a key twice", adding("results/a.json", b'{"id": 1, "id": 2}')),
    ("TB050", "half of a pair", adding("results/a.json", b'{"name": "\\ud800"}')),
    ("TB050", "nan in TOML", adding("system.toml", b"clock_hz = nan")),
    ("TB050", "deep TOML", adding("system.toml", b"a" + b".a" * 20000 + b" = 1")),
    ("TB050", "nested TOML", adding("system.toml", b"a = " + b"[" * 9000 + b"]" * 9000)),
    ("TB050", "Latin-1", adding("README.md", "für".encode("latin-1"))),
]  # fmt: skip


def test_a_whole_submission_breaks_no_rule(folder: Path) -> None:
    assert file_findings(folder) == ()


@pytest.mark.parametrize(("code", "apply"), [pytest.param(c, a, id=f"{c} {what}") for c, what, a in BREAKS])
def test_a_rule_alone_is_broken(folder: Path, code: str, apply: Break) -> None:
    apply(folder)
    if not folder.exists():
        folder = folder.with_name("Board-One")
    found = file_findings(folder)
    assert codes(found) == [code], [(finding.where, finding.message) for finding in found]
    for finding in found:
        assert finding.where.isprintable()
        assert finding.message.isprintable()
        assert len(finding.where) + len(finding.message) < 500
        json.dumps([finding.where, finding.message]).encode()


@pytest.mark.parametrize("path", ["results", f"{EVIDENCE}/performance-log.txt"])
def test_what_cannot_be_read(folder: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in for the system call: whoever runs the tests may be root, whom no mode stops."""
    name, really = path.rpartition("/")[2], os.open

    def refuse(path: str | Path, *rest: int, **more: int) -> int:
        if path == name:
            raise PermissionError(13, "Permission denied")
        return really(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    assert [(f.rule.code, f.where, f.message) for f in file_findings(folder)] == [
        ("TB012", path, "permission denied")
    ]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32", ">f8", "bool", "complex64"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3, 4)])
def test_arrays_of_numbers(folder: Path, dtype: str, shape: tuple[int, ...]) -> None:
    adding(f"{EVIDENCE}/a.npy", npy(np.zeros(shape, dtype)))(folder)
    adding(f"{EVIDENCE}/b.npy", npy(np.asfortranarray(np.zeros(shape, dtype))))(folder)
    assert file_findings(folder) == ()


def test_names_of_files_that_attack_a_terminal_are_escaped(folder: Path) -> None:
    write_file(folder / "results/\x1b[2J\u202e.json", b"{}")
    (found,) = file_findings(folder)
    assert found.where == "results/\\x1b[2J\\u202e.json"


def test_organisations_that_look_alike(tmp_path: Path) -> None:
    for organisation in ("acme", "acrne", "ac-me", "other"):
        write_submission(tmp_path, f"2026.1/{organisation}/one")
    found = scanning.discover(tmp_path)
    assert [(f.rule.code, f.where) for f in found.findings] == [
        ("TB016", "2026.1/acme/one"),
        ("TB016", "2026.1/acrne/one"),
    ]


@pytest.mark.parametrize("organisation", ["\u0430cme", "Acme", "a cme", "acme\u200b", "аcmе", "-acme", "con"])
def test_an_organisation_that_is_not_spelled_in_lower_case_ascii(tmp_path: Path, organisation: str) -> None:
    folder = write_submission(tmp_path, f"2026.1/{organisation}/one")
    assert codes(file_findings(folder)) == ["TB014"]
    found = scanning.discover(tmp_path)
    assert (codes(found.findings), found.places) == (["TB014"], ())


def test_links_and_files_between_submissions(tmp_path: Path) -> None:
    write_submission(tmp_path / "submissions")
    root = tmp_path / "submissions"
    (root / "2026.1/evil").symlink_to("/")
    (root / "2027.1").symlink_to("2026.1")
    (root / "2026.1/acme/two").symlink_to("board-one")
    write_file(root / "2026.1/run.sh", b"")
    write_file(root / "README.md", b"")
    write_file(root / "trusted-keys.toml", b"")
    found = scanning.discover(root)
    assert [(f.rule.code, f.where) for f in found.findings] == [
        ("TB004", "2027.1"),
        ("TB004", "2026.1/evil"),
        ("TB015", "2026.1/run.sh"),
        ("TB004", "2026.1/acme/two"),
    ]
    assert [place.path for place in found.places] == [PLACE]


def test_a_submission_that_is_a_link(tmp_path: Path) -> None:
    folder = write_submission(tmp_path)
    twin = folder.with_name("twin")
    twin.symlink_to(folder.name)
    assert codes(file_findings(twin)) == ["TB004"]


LOOK_ALIKES = [
    "\u0410cme",
    "Acm\u0435",
    "ΑCME",
    "Ａcme",
    "Acme\u0301x",
    "Ac\u0131me",
    "A𝐜me",
    "Acme™",
    "Ac·me",
]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_name_with_letters_of_other_scripts(name: str) -> None:
    found = text.name_flaw(name)
    assert found is not None
    assert found.rule in (text.LOOK_ALIKE, text.NOT_PLAIN)


@pytest.mark.parametrize(
    "name",
    [
        "STMicroelectronics",
        "Łódź Systems",
        "Ångström & Co.",
        "Đà Nẵng IoT",
        "K1_BOARD_V1.0",
        "Țara (RO)",
        "µNPU 2",
    ],
)
def test_a_name_in_latin_letters(name: str) -> None:
    assert text.name_flaw(name) is None


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "http://example.org",
        "https://user@example.org",
        "https://xn--80ak6aa92e.com/",
        "https://www.xn--80ak6aa92e.com/",
        "https://ex\u0430mple.org",
        "https://localhost",
        "https://example.org/a b",
        'https://example.org/"onclick="x',
        "https://example.org/\n",
    ],
)
def test_an_address_that_is_none(address: str) -> None:
    found = text.address_flaw(address)
    assert found is not None
    assert found.rule in (text.NO_ADDRESS, text.NOT_PLAIN)


@pytest.mark.parametrize("address", ["https://example.org", "https://a.b-c.example:8443/x?y=1#z"])
def test_an_address(address: str) -> None:
    assert text.address_flaw(address) is None


def test_every_rule_about_files_is_broken_by_a_test() -> None:
    here = {code for code, _, _ in BREAKS}
    elsewhere = {
        "TB012": "what cannot be read",
        "TB015": "between submissions",
        "TB016": "look alike",
        packing.ARCHIVE.code: "test_submissions_packing.py",
    }
    modules = (scanning, manifest, packing, text)
    assert all(modules)
    assert {code for code in RULES if code < "TB100"} == here | set(elsewhere)
