"""Labelled data as people keep it: one folder per label."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tinybench.datasets.base import Sample
from tinybench.errors import DataError

LABEL_FILE = "labels.csv"
"""Optional, beside the label folders: columns ``file`` and ``label``; it has to agree with them."""


def scan_labelled(
    root: Path,
    labels: Sequence[str],
    suffixes: Sequence[str],
    aliases: Mapping[str, str] | None = None,
) -> list[Sample]:
    """List the files of a ``<label>/<file>`` tree, sorted by label folder and file name.

    Folders whose name begins with a dot, and files beside the label folders, are not looked at; but
    ``labels.csv``, if it is there, has to name each sample with the label of its folder.

    Args:
        root: holds the label folders.
        labels: names of the classes, in output order.
        suffixes: in lower case; how the files end.
        aliases: other names of label folders, such as ``_silence_`` for ``silence``.

    Raises:
        DataError: the folder is missing or holds no label folder, a folder is not a label, is empty or is
            there under two names, or ``labels.csv`` disagrees.
    """
    if not root.is_dir():
        hint = "expected a folder with one folder of samples per label"
        raise DataError(f"{root}: no such folder", hint=hint)
    samples: list[Sample] = []
    seen: dict[str, Path] = {}
    for directory in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        label = (aliases or {}).get(directory.name, directory.name)
        if label not in labels:
            raise DataError(
                f"{directory}: '{directory.name}' is not a label", hint=f"labels: {', '.join(labels)}"
            )
        if label in seen:
            raise DataError(
                f"{directory}: '{label}' is already in {seen[label]}", hint="merge the two folders"
            )
        seen[label] = directory
        files = sorted(
            p.name
            for p in directory.iterdir()
            if p.suffix.lower() in suffixes and not p.name.startswith(".") and p.is_file()
        )
        if not files:
            raise DataError(f"{directory}: no sample in this class", hint=f"expected {', '.join(suffixes)}")
        paths = (f"{directory.name}/{file}" for file in files)
        samples.extend(Sample(path, path, labels.index(label)) for path in paths)
    if not samples:
        raise DataError(f"{root}: no label folder in it", hint=f"expected folders named {', '.join(labels)}")
    _check_label_file(root / LABEL_FILE, samples, labels)
    return samples


def _check_label_file(path: Path, samples: Sequence[Sample], labels: Sequence[str]) -> None:
    if not path.is_file():
        return
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            stated = {row["file"]: row["label"] for row in csv.DictReader(handle, strict=True)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: {error}", hint="correct or remove it") from error
    except KeyError as error:
        raise DataError(f"{path}: has no column {error}", hint="its columns are file and label") from None
    found = {sample.file: labels[sample.label] for sample in samples}
    for file in sorted(stated.keys() ^ found.keys()):
        where = "is not in the label folders" if file in stated else "is not named in it"
        raise DataError(f"{path}: {file} {where}", hint="correct or remove the label file")
    for file, label in stated.items():
        if found[file] != label:
            raise DataError(
                f"{path}: says '{label}' of {file}, but its folder says '{found[file]}'",
                hint="correct the label file, or move the sample",
            )
