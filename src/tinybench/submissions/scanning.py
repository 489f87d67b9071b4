"""What lies in a submission folder, seen without following, running or trusting anything.

A file that breaks a rule here is left out of the inventory, so that nothing later reads it. Hard links are
not looked for: they cannot be part of a pull request or a .zip, ``tar`` members that are links are refused
while unpacking, and a file reads the same under each of its names.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tinybench.errors import DataError
from tinybench.files.guarded import Folder
from tinybench.files.gunzip import gunzip
from tinybench.quantities import size
from tinybench.submissions import layout, sniffing
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.layout import Kind, Place

NOT_ALLOWED: Final = rule(
    "TB001",
    "path-not-allowed",
    "error",
    title="A file or folder is not part of a submission",
    why=f"""A submission is data that a check reads, in places where it looks: {layout.ALLOWED}. Anything
    else would be carried along by everybody who clones the repository, and reviewed by nobody. Firmware,
    models and scripts stay where they are; their hashes are in the results.""",
    hint="Remove it, or put it where the layout has a place for it.",
)
BAD_NAME: Final = rule(
    "TB002",
    "name-malformed",
    "error",
    title="A name has characters that not every system can hold",
    why="""Names of files and folders are ASCII letters, digits, '.', '_' and '-', begin with a letter or
    digit, have at most 100 characters and are no device names of Windows. Such names are the same on
    every file system, in every shell, and in every link, and no two of them look alike.""",
    hint="Rename the file.",
)
COLLISION: Final = rule(
    "TB003",
    "names-collide",
    "error",
    title="Two names differ in case only",
    why="""On file systems that ignore case (Windows, macOS) only one of the two files would be checked
    out, and the manifest would not hold there.""",
    hint="Rename one of them.",
)
LINK: Final = rule(
    "TB004",
    "symbolic-link",
    "error",
    title="A symbolic link",
    why="""A link can point at any file of the machine that checks the submission, and another one on
    each machine. It is not followed and not part of a submission.""",
    hint="Put the file itself in its place.",
)
SPECIAL: Final = rule(
    "TB005",
    "not-a-regular-file",
    "error",
    title="A device, pipe or socket",
    why="A submission holds regular files and folders; reading anything else may never end.",
    hint="Remove it.",
)
EXECUTABLE: Final = rule(
    "TB006",
    "executable-content",
    "error",
    title="A file holds a program",
    why="""A submission is data only, whatever a file is called: ELF, PE, Mach-O, WebAssembly, Java and
    Dalvik classes, static libraries, LLVM bitcode, scripts with '#!', and firmware as Intel HEX or
    S-records are recognised by how they begin, also in a .gz.""",
    hint="Remove it; the result names the firmware and the model by their SHA-256.",
)
MODE: Final = rule(
    "TB007",
    "executable-mode",
    "error",
    title="A file is marked as executable",
    why="""Data has no execute permission. Git keeps this one bit of the mode, and who checks the
    repository out would get a file that a shell runs.""",
    hint="Run 'chmod -x FILE', and 'git update-index --chmod=-x FILE' if git knows it already.",
)
CONTENT: Final = rule(
    "TB008",
    "content-not-as-named",
    "error",
    title="A file is not what its name says",
    why="""Text has no NUL bytes and is no archive; .png begins as its format does; .npy holds plain
    numbers, and no Python objects, which run code when they are loaded; .bin is a power trace, which
    begins with the byte F1 and its sample rate. A file that is something else is not what the check of
    that file reads.""",
    hint="Give the file the name of its type, or remove it.",
)
TOO_LARGE: Final = rule(
    "TB009",
    "file-too-large",
    "error",
    title="A file is too large",
    why="""The caps follow from what runs produce, with room to spare: 48 MiB for logs and traces (GitHub
    warns at 50 MiB; the accuracy log of anomaly detection, 58 MB, packs to 6), 32 MiB for JSON evidence,
    4 MiB for a result, 2 MiB for a figure, 256 KiB for README.md, 64 KiB for system.toml and for an
    attestation.""",
    hint="Compress a text with 'gzip -9n', or sample a trace at a lower rate.",
)
SUBMISSION_TOO_LARGE: Final = rule(
    "TB010",
    "submission-too-large",
    "error",
    title="The submission is too large",
    why="""Everybody who clones the repository fetches every submission. 100 MiB is ten times what the
    logs of four tasks take when they are packed.""",
    hint="Compress the logs with 'gzip -9n', and leave out figures that follow from the data.",
)
TOO_MANY: Final = rule(
    "TB011",
    "too-many-files",
    "error",
    title="The submission has too many files",
    why=f"""Four tasks need about 70 files. Counting stops at {layout.MAX_FILES} files and folders, and
    nothing else of the submission is looked at.""",
    hint="Split it into several systems, or remove what does not belong to it.",
)
UNREADABLE: Final = rule(
    "TB012",
    "file-unreadable",
    "error",
    title="A file cannot be read",
    why="A file that the check cannot read, or that changes while it is read, is not evidence of anything.",
    hint="Look at its permissions, and at what else writes to it.",
)
GZIP: Final = rule(
    "TB013",
    "gzip-refused",
    "error",
    title="A .gz is damaged or unpacks to too much",
    why=f"""A compressed text is unpacked to be read, so it is held to limits:
    {size(layout.MAX_UNPACKED)}, all of them together {size(layout.MAX_UNPACKED_TOGETHER)}, and
    {layout.MAX_RATIO} times its size (logs of real runs pack 7 to 24 to 1; deflate reaches 1000 to 1).
    It holds one gzip member and nothing after it, with a right checksum.""",
    hint="Compress the original log again with 'gzip -9n'.",
)
BAD_PLACE: Final = rule(
    "TB014",
    "place-malformed",
    "error",
    title="The submission does not lie at <round>/<organisation>/<system>",
    why="""The three folders above the files say which round, whose and which system. They are lower-case
    ASCII letters and digits with single '-', '_' or '.' between them, at most 64 characters each: an
    organisation cannot take the name of another with letters that look alike.""",
    hint="Move it to submissions/<round>/<organisation>/<system>/; names for people are in system.toml.",
)
STRAY: Final = rule(
    "TB015",
    "outside-a-submission",
    "error",
    title="Something lies beside the submissions",
    why="""Between submissions/ and the folder of a system there are folders only, with README.md and
    trusted-keys.toml in the first. No check would look at anything else there.""",
    hint="Remove it, or move it into the folder of a system.",
)
SIMILAR: Final = rule(
    "TB016",
    "organisations-look-alike",
    "warning",
    title="Two organisations have names that are easily taken for each other",
    why="""'acme' and 'acrne', 'st-micro' and 'stmicro', '0' and 'o', '1', 'i' and 'l': such a pair is
    one organisation spelled twice, which splits its results, or one that wants to pass for another.""",
    hint="Use the spelling that is there already if it is the same organisation; else tell the reviewer.",
)
TWICE: Final = rule(
    "TB017",
    "evidence-twice",
    "error",
    title="An evidence file is there compressed and as it is",
    why="""A check reads 'log.txt' or 'log.txt.gz', whichever is there. If both were, two readers could
    see two different logs.""",
    hint="Remove one of them.",
)

_HEAD: Final = 4096


@dataclass(frozen=True)
class File:
    """A regular file of a submission, in its place and of an allowed size and type."""

    path: str
    bytes: int
    kind: Kind


@dataclass(frozen=True)
class Inventory:
    """The files of a submission that may be read, by their path below it, sorted."""

    files: Mapping[str, File] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    """Paths of what is there and broke a rule."""
    complete: bool = True
    """False if there was too much to look at: then what is missing here may still be there."""

    @property
    def results(self) -> tuple[str, ...]:
        """Paths of the result files."""
        return tuple(path for path, file in self.files.items() if file.kind.name == "result")

    def evidence(self, result_id: str) -> dict[str, str]:
        """Name -> path of the evidence files of one result."""
        folder = layout.evidence_path(result_id, "")
        return {path.removeprefix(folder): path for path in self.files if path.startswith(folder)}


@dataclass(frozen=True)
class Scan:
    """What a submission folder holds, and what of it breaks a rule."""

    findings: tuple[Finding, ...]
    inventory: Inventory


@dataclass(frozen=True)
class Discovery:
    """The submissions below a root folder, sorted, and what else lies there."""

    findings: tuple[Finding, ...]
    places: tuple[Place, ...]


def scan(path: Path) -> Scan:
    """Look at every file of a submission.

    Raises:
        DataError: ``path`` is missing, no folder, or cannot be read.
    """
    with Folder.open(path) as folder:
        entries: list[tuple[str, os.stat_result]] = []
        unreadable: list[Finding] = []
        for entry in _walk(folder, "", unreadable):
            entries.append(entry)
            if len(entries) > layout.MAX_FILES:
                found = TOO_MANY.found(".", f"more than {layout.MAX_FILES} files and folders")
                return Scan((found,), Inventory(complete=False))
        entries.sort(key=lambda entry: os.fsencode(entry[0]))
        return _judge(folder, entries, unreadable)


def discover(root: Path) -> Discovery:
    """Find the submissions below ``root``, without looking into them.

    Raises:
        DataError: ``root`` is missing, no folder, or cannot be read.
    """
    findings: list[Finding] = []
    places: list[Place] = []
    with Folder.open(root) as folder:
        for round_ in _folders(folder, "", findings):
            for organisation in _folders(folder, round_, findings):
                systems = _folders(folder, organisation, findings)
                places += [Place(*system.split("/")) for system in systems]
    return Discovery((*findings, *_similar(places)), tuple(places))


def shown(name: str) -> str:
    """A name from a file system as it can be printed anywhere: ASCII, escaped, not longer than 120."""
    escaped = name if name.isascii() and name.isprintable() else ascii(name)[1:-1]
    return escaped if len(escaped) <= 120 else f"{escaped[:117]}..."


def _walk(folder: Folder, below: str, unreadable: list[Finding]) -> Iterator[tuple[str, os.stat_result]]:
    """Everything in a submission; folders that have no place in it are not entered."""
    try:
        for name, facts in folder.entries(below):
            path = f"{below}/{name}" if below else name
            yield path, facts
            if stat.S_ISDIR(facts.st_mode) and layout.is_folder(path):
                yield from _walk(folder, path, unreadable)
    except DataError as error:
        if not below:
            raise
        unreadable.append(UNREADABLE.found(below, error.message.removeprefix(f"{below}: ")))


def _judge(folder: Folder, entries: list[tuple[str, os.stat_result]], unreadable: list[Finding]) -> Scan:
    findings = [*unreadable]
    files: dict[str, File] = {}
    refused: set[str] = set()
    folded: dict[str, str] = {}
    look = _Entries(folder)
    for path, facts in entries:
        first = folded.setdefault(path.casefold(), path)
        found = list(look.check(path, facts))
        if first != path:
            found.append(COLLISION.found(shown(path), f"'{shown(first)}' is there as well"))
        if path.endswith(".gz") and layout.unpacked_name(path) in files:
            found.append(TWICE.found(shown(path), f"'{shown(layout.unpacked_name(path))}' is there as well"))
        findings += found
        kind = layout.kind_of(path)
        if not found and kind is not None:
            files[path] = File(path, facts.st_size, kind)
        elif found:
            refused.add(path)
    total = sum(file.bytes for file in files.values())
    if total > layout.MAX_BYTES:
        message = f"has {size(total)}, more than {size(layout.MAX_BYTES)}"
        findings.append(SUBMISSION_TOO_LARGE.found(".", message))
    results = [file for file in files.values() if file.kind.name == "result"]
    total = sum(file.bytes for file in results)
    if total > layout.MAX_RESULTS_BYTES:
        message = f"have {size(total)} together, more than {size(layout.MAX_RESULTS_BYTES)}"
        findings.append(SUBMISSION_TOO_LARGE.found("results", message))
        for file in results:
            refused.add(file.path)
            del files[file.path]
    return Scan(tuple(findings), Inventory(files, frozenset(refused), complete=not unreadable))


class _Entries:
    """Looks at one entry after the other, and unpacks no more than all .gz may unpack to together."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._unpacked = 0

    def check(self, path: str, facts: os.stat_result) -> Iterator[Finding]:
        """The first rule that a file or folder breaks; and that a file is marked executable, if it is."""
        where, mode = shown(path), facts.st_mode
        flaw = layout.name_flaw(path.rpartition("/")[2])
        if flaw is not None:
            yield BAD_NAME.found(where, f"the name {flaw}")
        elif stat.S_ISLNK(mode):
            yield LINK.found(where, "is a symbolic link")
        elif stat.S_ISDIR(mode):
            if not layout.is_folder(path):
                yield NOT_ALLOWED.found(where, "there is no such folder in a submission")
        elif not stat.S_ISREG(mode):
            yield SPECIAL.found(where, "is a device, a pipe or a socket")
        else:
            kind = layout.kind_of(path)
            if kind is None:
                yield NOT_ALLOWED.found(where, "there is no such file in a submission")
                return
            if mode & 0o111:
                yield MODE.found(where, f"has mode {stat.S_IMODE(mode):04o}")
            if facts.st_size > kind.max_bytes:
                yield TOO_LARGE.found(where, f"has {size(facts.st_size)}, more than {size(kind.max_bytes)}")
            else:
                yield from self._check_content(path, kind, facts.st_size)

    def _check_content(self, path: str, kind: Kind, file_bytes: int) -> Iterator[Finding]:
        where = shown(path)
        try:
            head = self._folder.head(path, _HEAD)
        except DataError as error:
            yield UNREADABLE.found(where, error.message.removeprefix(f"{path}: "))
            return
        if kind.content == "gzip":
            if not head.startswith(sniffing.GZIP):
                yield CONTENT.found(where, "does not begin like a .gz")
                return
            try:
                head = self._unpacked_head(path, kind)
            except DataError as error:
                yield GZIP.found(where, error.message.removeprefix(f"{path}: "))
                return
        program = sniffing.program(head)
        if program is not None:
            yield EXECUTABLE.found(where, f"begins like {program}")
            return
        other = sniffing.other_content(kind, head, file_bytes)
        if other is not None:
            yield CONTENT.found(where, other)

    def _unpacked_head(self, path: str, kind: Kind) -> bytes:
        """Unpack all of a .gz, so that its limits and its checksum are checked, and keep how it begins."""
        head = b""
        packed = self._folder.blocks(path, kind.max_bytes)
        for block in gunzip(packed, path, max_bytes=layout.MAX_UNPACKED, max_ratio=layout.MAX_RATIO):
            if len(head) < _HEAD:
                head += block[: _HEAD - len(head)]
            self._unpacked += len(block)
            if self._unpacked > layout.MAX_UNPACKED_TOGETHER:
                limit = size(layout.MAX_UNPACKED_TOGETHER)
                raise DataError(f"{path}: with the .gz before it, unpacks to more than {limit}")
        return head


def _folders(folder: Folder, below: str, findings: list[Finding]) -> Iterator[str]:
    """Paths of the well-named folders in ``below``, sorted; what else is there goes to ``findings``."""
    good: list[str] = []
    for name, facts in sorted(folder.entries(below), key=lambda entry: os.fsencode(entry[0])):
        path = f"{below}/{name}" if below else name
        if stat.S_ISLNK(facts.st_mode):
            findings.append(LINK.found(shown(path), "is a symbolic link"))
        elif not stat.S_ISDIR(facts.st_mode):
            if path not in layout.BESIDE_ROUNDS:
                findings.append(STRAY.found(shown(path), "is a file"))
        elif not layout.is_slug(name):
            findings.append(
                BAD_PLACE.found(shown(path), "the name is not lower-case ASCII as the layout asks")
            )
        else:
            good.append(path)
    yield from good


def check_place(path: Path) -> Iterator[Finding]:
    """Whether a submission lies in folders, and no links, that say round, organisation and system."""
    levels = [path.absolute(), *path.absolute().parents][:3]
    if Place.of(path) is None:
        last = "/".join(shown(level.name) for level in reversed(levels))
        yield BAD_PLACE.found(".", f"lies in '{last}', which does not say round, organisation and system")
    for level in levels:
        if level.is_symlink():
            yield LINK.found(".", f"'{shown(level.name)}', which it lies in, is a symbolic link")


def _similar(places: list[Place]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name in sorted({place.organisation for place in places}):
        other = first.setdefault(layout.skeleton(name), name)
        if other != name:
            where = next(place.path for place in places if place.organisation == name)
            yield SIMILAR.found(where, f"'{name}' looks like '{other}'")
