"""The manifest: size and SHA-256 of every file of a submission, written last.

Its own SHA-256 identifies the submission, and is what signatures are made over. So that the same files have
the same identity, there is one way to write it: sorted by path, two spaces, a final newline.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints, ValidationError

from tinybench.atomic import write_atomically
from tinybench.errors import DataError, OutputError
from tinybench.files import strict_json
from tinybench.files.guarded import Folder
from tinybench.submissions import layout
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.scanning import UNREADABLE, Inventory, shown

MISSING: Final = rule(
    "TB020",
    "manifest-missing",
    "error",
    title="There is no manifest",
    why="""manifest.json is written last: a submission without it is one that was not finished, and
    nothing says which files belong to it.""",
    hint="Run 'tinybench submit pack'.",
)
BROKEN: Final = rule(
    "TB021",
    "manifest-broken",
    "error",
    title="The manifest cannot be read",
    why="""manifest.json is strict JSON: an object with 'schema' (tinybench.manifest/1) and 'files', each
    of which has 'path', 'bytes' and 'sha256', and nothing else.""",
    hint="Run 'tinybench submit pack' again; do not edit the manifest.",
)
UNSAFE: Final = rule(
    "TB022",
    "manifest-path-refused",
    "error",
    title="The manifest lists a path that no submission has",
    why="""A listed path is relative to the submission, with '/', and one of the places that a submission
    has for a file. A path that is absolute, climbs with '..', or holds backslashes or control characters
    may mean another file on another system. No path is ever opened because a manifest lists it.""",
    hint="Run 'tinybench submit pack' again; do not edit the manifest.",
)
TWICE: Final = rule(
    "TB023",
    "manifest-path-twice",
    "error",
    title="The manifest lists a file twice",
    why="Two lines for one file can say two things, and readers would choose differently.",
    hint="Run 'tinybench submit pack' again; do not edit the manifest.",
)
LOST: Final = rule(
    "TB024",
    "file-missing",
    "error",
    title="A file that the manifest lists is not there",
    why="The submission is not the one that was packed: evidence is missing.",
    hint="Restore the file, or run 'tinybench submit pack' again.",
)
UNLISTED: Final = rule(
    "TB025",
    "file-unlisted",
    "error",
    title="A file is not in the manifest",
    why="A file that came after packing is covered by no hash and no signature.",
    hint="Run 'tinybench submit pack' again, or remove the file.",
)
OTHER_SIZE: Final = rule(
    "TB026",
    "size-differs",
    "error",
    title="A file has another size than the manifest says",
    why="""The file was cut short or changed after packing. Git with line ends changed on checkout does
    that to every text.""",
    hint="Restore the file, or run 'tinybench submit pack' again.",
)
OTHER_HASH: Final = rule(
    "TB027",
    "hash-differs",
    "error",
    title="A file has another SHA-256 than the manifest says",
    why="The file was changed after packing, with its size kept.",
    hint="Restore the file, or run 'tinybench submit pack' again.",
)
NOT_CANONICAL: Final = rule(
    "TB028",
    "manifest-not-canonical",
    "error",
    title="The manifest is not written as tinybench writes it",
    why="""The SHA-256 of the manifest is the identity of a submission. If the same files could have
    manifests of different bytes, one submission would have many identities, and an attestation would fit
    only one.""",
    hint="Run 'tinybench submit pack' again; do not edit or reformat the manifest.",
)

SCHEMA: Final = "tinybench.manifest/1"
NAME: Final = "manifest.json"

_LIMITS: Final = strict_json.JsonLimits(bytes=512 * layout.KIB, depth=4)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Frozen):
    """One file."""

    path: Annotated[str, StringConstraints(max_length=3 * layout.MAX_NAME)]
    bytes: Annotated[StrictInt, Field(ge=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Manifest(_Frozen):
    """All files but the manifest itself and the attestations."""

    schema_: Literal["tinybench.manifest/1"] = Field(default=SCHEMA, alias="schema")
    files: Annotated[tuple[Entry, ...], Field(max_length=layout.MAX_FILES)]

    def to_json(self) -> bytes:
        """The one way to write it: UTF-8, sorted by path, two spaces, a final newline."""
        files = sorted(self.files, key=lambda entry: entry.path)
        document = {"schema": self.schema_, "files": [entry.model_dump() for entry in files]}
        return (json.dumps(document, indent=2) + "\n").encode()


@dataclass(frozen=True)
class Checked:
    """A manifest, and what of it does not hold."""

    findings: tuple[Finding, ...]
    manifest: Manifest | None
    """None if it is missing or cannot be read."""
    digest: str | None
    """SHA-256 of its bytes, which identifies the submission; None if it is missing."""


def build(path: Path, inventory: Inventory) -> Manifest:
    """The manifest of the files of a submission as they are now.

    Raises:
        DataError: a file cannot be read or changes meanwhile.
    """
    entries = []
    with Folder.open(path) as folder:
        for name, file in inventory.files.items():
            if file.kind.in_manifest:
                count, sha256 = folder.sha256(name, file.kind.max_bytes)
                entries.append(Entry(path=name, bytes=count, sha256=sha256))
    return Manifest(files=tuple(entries))


def write(path: Path, manifest: Manifest) -> str:
    """Write ``manifest.json`` of a submission, whole or not at all; gives back its SHA-256.

    Raises:
        OutputError: it cannot be written.
    """
    data = manifest.to_json()
    try:
        write_atomically(path / NAME, data)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"{path / NAME}: cannot be written ({reason})", hint="look at the folder") from None
    return digest(data)


def digest(data: bytes) -> str:
    """What identifies a submission: SHA-256 of the bytes of its manifest, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def check(path: Path, inventory: Inventory) -> Checked:
    """Read the manifest of a submission and compare it with the files that are there.

    A path that broke a rule while scanning is not reported a second time.

    Raises:
        DataError: the folder ``path`` cannot be opened.
    """
    if NAME not in inventory.files:
        lost = inventory.complete and NAME not in inventory.refused
        return Checked((MISSING.found(NAME, "is not there"),) if lost else (), None, None)
    with Folder.open(path) as folder:
        try:
            data = folder.read(NAME, inventory.files[NAME].kind.max_bytes)
        except DataError as error:
            return Checked((UNREADABLE.found(NAME, error.message.removeprefix(f"{NAME}: ")),), None, None)
        try:
            manifest = _parse(data)
        except DataError as error:
            found = BROKEN.found(NAME, error.message.removeprefix(f"{NAME}: "))
            return Checked((found,), None, digest(data))
        findings = [*_path_findings(manifest), *_differences(folder, manifest, inventory)]
    if not findings and manifest.to_json() != data:
        findings.append(NOT_CANONICAL.found(NAME, "is sorted, spaced or spelled in another way"))
    return Checked(tuple(findings), manifest, digest(data))


def _parse(data: bytes) -> Manifest:
    document = strict_json.loads(data, NAME, _LIMITS)
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise DataError(f"{NAME}: {shown(key)}: {first['msg'].lower()}") from None


def _path_findings(manifest: Manifest) -> Iterator[Finding]:
    seen: set[str] = set()
    for number, entry in enumerate(manifest.files):
        where = f"{NAME}: files.{number}"
        flaw = layout.path_flaw(entry.path)
        kind = layout.kind_of(entry.path)
        if flaw is not None:
            yield UNSAFE.found(where, f"path '{shown(entry.path)}' {flaw}")
        elif kind is not None and not kind.in_manifest:
            yield UNSAFE.found(where, f"path '{entry.path}' is the manifest or a signature over it")
        elif entry.path in seen:
            yield TWICE.found(where, f"path '{entry.path}' is there already")
        seen.add(entry.path)


def _differences(folder: Folder, manifest: Manifest, inventory: Inventory) -> Iterator[Finding]:
    listed = {entry.path: entry for entry in manifest.files if layout.path_flaw(entry.path) is None}
    if inventory.complete:
        for path, file in inventory.files.items():
            if file.kind.in_manifest and path not in listed:
                yield UNLISTED.found(path, f"is not in {NAME}")
    for path, entry in sorted(listed.items()):
        present = inventory.files.get(path)
        if present is None:
            if inventory.complete and path not in inventory.refused:
                yield LOST.found(path, f"is not there, but in {NAME}")
        elif not present.kind.in_manifest:
            continue
        elif present.bytes != entry.bytes:
            yield OTHER_SIZE.found(path, f"has {present.bytes} bytes, {NAME} says {entry.bytes}")
        else:
            try:
                _, sha256 = folder.sha256(path, present.kind.max_bytes)
            except DataError as error:
                yield UNREADABLE.found(path, error.message.removeprefix(f"{path}: "))
                continue
            if sha256 != entry.sha256:
                yield OTHER_HASH.found(
                    path, f"has SHA-256 {sha256[:16]}..., {NAME} says {entry.sha256[:16]}..."
                )
