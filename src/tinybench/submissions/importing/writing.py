"""Writes imported submissions: each whole or not at all, and never over somebody's work."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tinybench.errors import DataError, OutputError
from tinybench.files import strict_json
from tinybench.results.schema import Result
from tinybench.submissions import manifest
from tinybench.submissions.evidence import stored
from tinybench.submissions.layout import SYSTEM_FILE, Place
from tinybench.submissions.system import System

Outcome = Literal["new", "unchanged", "replaced"]


@dataclass(frozen=True)
class Draft:
    """A submission that is not written yet."""

    place: Place
    system: System
    results: Mapping[str, Result]
    """Name of the file, such as ``kws.json`` -> result."""
    evidence: Mapping[tuple[str, str], Callable[[], bytes]]
    """(Result id, evidence name) -> what gives its bytes; ``stored`` says that a submission can hold them."""

    def documents(self) -> dict[str, bytes]:
        """Path below the submission -> bytes, for all that is not evidence."""
        return {
            SYSTEM_FILE: self.system.to_toml(),
            **{f"results/{name}": result.to_json() for name, result in sorted(self.results.items())},
        }


def write(drafts: Iterable[Draft], root: Path, *, replace: bool = False) -> dict[Place, Outcome]:
    """Write submissions below ``root``, with their manifests.

    A folder that holds exactly this already is left as it is. One that holds anything else is refused,
    unless ``replace`` is given and everything in it was imported from the same system.

    Raises:
        OutputError: a folder is in the way, or cannot be written; what was written before stays.
        DataError: an evidence file cannot be read, or a submission cannot hold it.
    """
    return {draft.place: _write(draft, root, replace) for draft in drafts}


def _write(draft: Draft, root: Path, replace: bool) -> Outcome:
    target = root / draft.place.path
    try:
        _refuse_links(root, target)
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tinybench-import-", dir=root) as scratch:
            made = Path(scratch) / "submission"
            _fill(draft, made)
            if target.exists():
                if _files(target) == _files(made):
                    return "unchanged"
                if not replace:
                    raise OutputError(
                        f"{target}: is there already, with other content",
                        hint="give --replace to put this import in its place, or another --output",
                    )
                _refuse_others(draft, target)
                shutil.move(target, Path(scratch) / "before")
                made.replace(target)
                return "replaced"
            target.parent.mkdir(parents=True, exist_ok=True)
            made.replace(target)
            return "new"
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({(error.strerror or str(error)).lower()})",
            hint="choose another folder with --output",
        ) from None


def _refuse_links(root: Path, target: Path) -> None:
    """Nothing is written outside ``root``, wherever links in it lead."""
    for folder in (target, *target.parents):
        if folder == root:
            return
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise OutputError(f"{folder}: is a link or a file", hint="remove it, or choose another --output")


def _fill(draft: Draft, folder: Path) -> None:
    entries = []
    for path, data in draft.documents().items():
        entries.append(manifest.Entry(path=path, bytes=len(data), sha256=_sha256(data)))
        _put(folder / path, data)
    for (result_id, name), read in draft.evidence.items():
        kept = stored(result_id, name, read())
        if kept is None:
            raise DataError(f"{name}: a submission cannot hold it", hint="leave it out")
        path, data = kept
        entries.append(manifest.Entry(path=path, bytes=len(data), sha256=_sha256(data)))
        _put(folder / path, data)
    _put(folder / manifest.NAME, manifest.Manifest(files=tuple(entries)).to_json())


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _files(folder: Path) -> dict[str, str]:
    """Path below ``folder`` -> SHA-256, or what it is if it is no regular file."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            relative = path.relative_to(folder).as_posix()
            if path.is_symlink():
                found[relative] = "link"
            elif path.is_file():
                found[relative] = _sha256(path.read_bytes())
    return found


def _refuse_others(draft: Draft, target: Path) -> None:
    """Only an earlier import of the same system may be replaced."""
    wanted = {_identity(result.model_dump()["source"]) for result in draft.results.values()}
    for path in sorted((target / "results").glob("*.json")):
        try:
            document = strict_json.loads(path.read_bytes(), str(path))
        except DataError:
            document = None
        published = document.get("source") if isinstance(document, dict) else None
        if not isinstance(published, dict) or _identity(published) not in wanted:
            raise OutputError(
                f"{path}: was not imported from the same system",
                hint="move that submission away yourself, or choose another --output",
            )


def _identity(source: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(source.get(key) for key in ("kind", "round", "organisation", "system"))
