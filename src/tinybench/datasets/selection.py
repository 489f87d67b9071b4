"""Which files of an archive, or of a folder that it was unpacked to, make up a subset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinybench import content
from tinybench.datasets.names import read_names
from tinybench.errors import DataError
from tinybench.specs import Subset


@dataclass(frozen=True)
class Selection:
    """The rule of a subset, with its list of names where it has one."""

    subset: Subset
    names: frozenset[str] | None = None
    """Paths, as in the cache, that are taken; None if the rule alone decides."""

    @classmethod
    def of(cls, subset: Subset) -> Selection:
        """The selection that the task describes.

        Raises:
            ContentError: the list of names is missing or broken.
        """
        if subset.names is None:
            return cls(subset)
        return cls(subset, frozenset(read_names(content.first(content.task_dirs(), subset.names))))

    @property
    def sha256(self) -> str:
        """Hash of the rule and the names: a data set that was put together by others is not the same one."""
        rule = self.subset.model_dump(include={"root", "members", "folders", "suffix", "drop"})
        text = json.dumps([rule, sorted(self.names or ())], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def wanted(self) -> frozenset[str]:
        """The paths that have to be there, as far as they are known one by one."""
        return frozenset(self.subset.members) | (self.names or frozenset())

    def place(self, path: PurePosixPath) -> str | None:
        """Where a file is kept, given its path below the subset's root; None if it is not part of it.

        Hidden files (``._x.wav`` of macOS) never are.
        """
        if self.subset.members:
            return str(path) if str(path) in self.subset.members else None
        if len(path.parts) != 2 or path.parts[0] not in self.subset.folders:
            return None
        name = path.name
        for beginning in self.subset.drop:
            name = name.removeprefix(beginning)
        kept = f"{path.parts[0]}/{name}"
        if name.startswith(".") or not name.endswith(self.subset.suffix):
            return None
        return kept if self.names is None or kept in self.names else None

    def place_in_archive(self, path: PurePosixPath) -> str | None:
        """Like :meth:`place`, for a path from the root of the archive."""
        root = PurePosixPath(self.subset.root)
        return self.place(path.relative_to(root)) if path.is_relative_to(root) else None

    def find(self, folder: Path) -> dict[str, Path]:
        """The files of the subset below ``folder``, which stands for its root: where kept -> where it is.

        Raises:
            DataError: two files would be kept under one path.
        """
        found: dict[str, Path] = {}
        for path in self._candidates(folder):
            kept = self.place(PurePosixPath(path.relative_to(folder).as_posix()))
            if kept is None or not path.is_file():
                continue
            if kept in found:
                raise DataError(f"{path}: is {found[kept].name} again", hint="remove one of the two")
            found[kept] = path
        return dict(sorted(found.items()))

    def _candidates(self, folder: Path) -> Iterator[Path]:
        yield from (folder / member for member in self.subset.members)
        for name in self.subset.folders:
            if (folder / name).is_dir():
                yield from (folder / name).iterdir()
