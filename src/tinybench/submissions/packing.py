"""Packing a submission: the manifest, and one archive that is the same bytes on every machine."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from tinybench.atomic import writing_atomically
from tinybench.errors import DataError, OutputError, UsageError
from tinybench.files import archives
from tinybench.files.guarded import Folder
from tinybench.quantities import size
from tinybench.submissions import layout, manifest
from tinybench.submissions.findings import Finding, rule, worst
from tinybench.submissions.layout import Place
from tinybench.submissions.scanning import Inventory, check_place, scan

ARCHIVE: Final = rule(
    "TB060",
    "archive-refused",
    "error",
    title="An archive cannot be unpacked safely",
    why="""A submission that comes as .zip or .tar.gz is unpacked into an empty folder, in which nothing
    can lead outside: absolute paths, '..', links and devices are refused, and so is what unpacks to more
    bytes or files than a submission has, whatever the archive says about itself. It holds one
    submission, in the folders <round>/<organisation>/<system>/.""",
    hint="Make the archive with 'tinybench submit pack --archive FILE.zip'.",
)

SUFFIXES: Final = (".zip", ".tar.gz", ".tgz")
_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The first one that a .zip can hold."""
_UNIX: Final = 3
_MODE: Final = 0o100644
_DEPTH: Final = 4
"""Parts of the deepest path of a submission and one, so that what lies too deep is reported by its rule."""
_OVERHEAD: Final = 4 * layout.MIB
"""Headers and folders of an archive."""


@dataclass(frozen=True)
class Packed:
    """What packing found, and what it made."""

    findings: tuple[Finding, ...]
    digest: str | None
    """SHA-256 of the manifest, which identifies the submission; None if nothing was written."""


def pack(path: Path, archive: Path | None = None) -> Packed:
    """Write the manifest of a submission and, if asked, an archive of it.

    Nothing is written if a file breaks a rule. The archive is a .zip that holds the files as they are,
    because how well something is compressed depends on the library; sorted, without times and owners.

    Args:
        path: the folder of the submission.
        archive: where the .zip goes; a file that is there is replaced.

    Raises:
        DataError: the folder cannot be read, or changes meanwhile.
        OutputError: the manifest or the archive cannot be written.
        UsageError: the archive is called something else than .zip, or would lie in the submission.
    """
    if archive is not None:
        _require_target(path, archive)
    found = scan(path)
    findings = (*check_place(path), *found.findings)
    place = Place.of(path)
    if place is None or worst(findings) == "error":
        return Packed(findings, None)
    digest = manifest.write(path, manifest.build(path, found.inventory))
    if archive is not None:
        _write_zip(path, scan(path).inventory, place, archive)
    return Packed(findings, digest)


def is_archive(path: Path) -> bool:
    """Whether a path is called like an archive of a submission."""
    return path.name.lower().endswith(SUFFIXES)


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Unpack the archive of one submission into a temporary folder, which is removed in the end.

    Gives the folder of the submission, below folders that are called as in the archive.

    Raises:
        DataError: it is broken, unsafe, too large, or does not hold one submission; report it as
            :data:`ARCHIVE`.
        OutputError: the folder for temporary files is full or cannot be written.
    """
    try:
        archive_bytes = archive.stat().st_size
    except OSError as error:
        raise DataError(f"{archive}: {(error.strerror or str(error)).lower()}") from None
    if archive_bytes > layout.MAX_BYTES + _OVERHEAD:
        limit = size(layout.MAX_BYTES + _OVERHEAD)
        raise DataError(f"{archive}: has {size(archive_bytes)}, more than {limit}", hint=ARCHIVE.hint)
    with tempfile.TemporaryDirectory(prefix="tinybench-", ignore_cleanup_errors=True) as temporary:
        places: set[Place] = set()

        def place(member: PurePosixPath) -> str:
            parts = member.parts
            slugs, rest = parts[:3], parts[3:]
            if not rest or not all(layout.is_slug(part) for part in slugs):
                reason = f"{str(member)[:100]!a} does not lie in <round>/<organisation>/<system>/"
                raise DataError(f"{archive}: {reason}", hint=ARCHIVE.hint)
            if len(rest) > _DEPTH or any(len(os.fsencode(part)) > 255 for part in rest):
                raise DataError(f"{archive}: {str(member)[:100]!a} lies too deep or has too long a name")
            places.add(Place(*slugs))
            if len(places) > 1:
                raise DataError(f"{archive}: holds more than one submission", hint=ARCHIVE.hint)
            return str(member)

        limits = archives.Limits(layout.MAX_BYTES + _OVERHEAD, layout.MAX_FILES + 4)
        try:
            archives.extract(archive, Path(temporary), place=place, limits=limits)
        except OutputError as error:
            raise OutputError(error.message, hint="set TMPDIR to a folder that has room") from None
        if not places:
            raise DataError(f"{archive}: holds no file", hint=ARCHIVE.hint)
        yield Path(temporary, places.pop().path)


def _require_target(path: Path, archive: Path) -> None:
    if archive.suffix != ".zip":
        raise UsageError(f"{archive}: an archive is written as .zip", hint="choose a name that ends in .zip")
    if archive.absolute().is_relative_to(path.absolute()):
        raise UsageError(f"{archive}: lies in the submission itself", hint="choose another folder")


def _write_zip(path: Path, inventory: Inventory, place: Place, archive: Path) -> None:
    try:
        with (
            writing_atomically(archive) as stream,
            Folder.open(path) as folder,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=False) as packed,
        ):
            for file in inventory.files.values():
                info = zipfile.ZipInfo(f"{place.path}/{file.path}", _DATE)
                info.create_system, info.external_attr = _UNIX, _MODE << 16
                packed.writestr(info, folder.read(file.path, file.kind.max_bytes))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"{archive}: cannot be written ({reason})", hint="choose another place") from None
