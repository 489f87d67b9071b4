"""Classes of the samples of MLPerf Tiny's accuracy sets: from ``y_labels.csv``, or from what is known."""

from __future__ import annotations

import re
from functools import cache
from pathlib import PureWindowsPath
from typing import Final

from tinybench import content
from tinybench.datasets.names import read_names
from tinybench.errors import DataError
from tinybench.files.bounded import read_lines

MAX_LABELS: Final = 100_000
_MAX_LABEL: Final = 10_000

_KWS: Final = re.compile(r"tst_[0-9]{6}_[A-Za-z]{1,20}_([0-9]{1,2})\.bin")
_AD: Final = re.compile(r"(normal|anomaly)_id_[0-9]{2}_[0-9]{8}_hist_librosa\.bin")
_FOLDERS: Final = {"non_person": 0, "person": 1}


def read_labels(data: bytes, name: str) -> dict[str, int]:
    """Read ``y_labels.csv``: name of the sample, number of classes, class, and more that is not needed.

    Args:
        data: the file.
        name: what errors call it.

    Returns:
        Name of the sample -> class.

    Raises:
        DataError: a line is something else, or names a sample again with another class.
    """
    labels: dict[str, int] = {}
    for number, line in enumerate(read_lines(data, name), 1):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split(",", 5)]
        known = len(fields) >= 3 and fields[0] and _is_class(fields[1]) and _is_class(fields[2])
        if not known or int(fields[2]) >= int(fields[1]):
            raise DataError(
                f"{name}: line {number} is no label", hint="a line is: sample, number of classes, class"
            )
        file = PureWindowsPath(fields[0]).name
        if labels.setdefault(file, int(fields[2])) != int(fields[2]):
            raise DataError(f"{name}: line {number} gives {file[:100]} a second class")
        if len(labels) > MAX_LABELS:
            raise DataError(f"{name}: holds more than {MAX_LABELS:,} labels")
    return labels


def label_of(task: str, input_file: str) -> int | None:
    """The class of a sample as far as it is known without a file of labels.

    Keyword spotting has it in the name (``tst_000000_Stop_7.bin``), and so has anomaly detection (1: an
    anomaly); person detection has its samples listed in this project. Image classification needs its file.

    Args:
        task: ``kws``, ``vww``, ``ic`` or ``ad``.
        input_file: name of the sample in a log.
    """
    if task == "kws":
        word = _KWS.fullmatch(input_file)
        return int(word.group(1)) if word else None
    if task == "ad":
        kind = _AD.fullmatch(input_file)
        return int(kind.group(1) == "anomaly") if kind else None
    return _vww_labels().get(input_file) if task == "vww" else None


@cache
def _vww_labels() -> dict[str, int]:
    paths = [path.split("/") for path in read_names(content.tasks_dir() / "vww" / "official.txt")]
    return {file.replace(".jpg", ".bin"): _FOLDERS[folder] for folder, file in paths}


def _is_class(text: str) -> bool:
    return len(text) <= 5 and text.isascii() and text.isdigit() and int(text) <= _MAX_LABEL
