"""What a submission may hold: which files, where, called what, and how large.

::

    submissions/<round>/<organisation>/<system>/
        system.toml                         what was measured, by whom
        README.md                           optional, for people
        results/<name>.json
        evidence/<result id>/<name>         logs, raw outputs, traces of one result
        manifest.json                       size and SHA-256 of all of the above, written last
        attestations/<name>.dsse.json       signatures over the manifest, which does not list them

Data only. A type of file is on the list because a check reads it; everything else is refused, so that a
reviewer knows what a pull request can hold without looking.
"""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tinybench.errors import UsageError

KIB: Final = 1024
MIB: Final = 1024 * KIB

MAX_FILES: Final = 1000
"""Files and folders. Four tasks need about 70; thirty variants of a system on one task, 500."""
MAX_BYTES: Final = 100 * MIB
"""All files together. Logs and traces of four tasks, packed by gzip, take about 10 MiB: 58 MB of anomaly
detection become 6, and a trace of 1 kHz has 2."""
MAX_RESULTS_BYTES: Final = 16 * MIB
"""All results together: they are parsed together, into up to twenty times as much memory."""
MAX_UNPACKED: Final = 128 * MIB
"""What one .gz may unpack to. EnergyRunner logs 1.2 KB for each inference of an accuracy run, and anomaly
detection has 48,600 of them: 58 MB."""
MAX_UNPACKED_TOGETHER: Final = 512 * MIB
"""What all .gz of a submission may unpack to; it takes about a second."""
MAX_RATIO: Final = 200
"""Bytes out of one byte of .gz. The logs of real runs pack 7 to 24 to 1."""
MAX_NAME: Final = 100
"""Characters of one name, as ``EvidenceName`` of a result; with the folders above it, well below 255."""

SYSTEM_FILE: Final = "system.toml"
TRUSTED_KEYS: Final = "trusted-keys.toml"
ROUNDS: Final = "rounds.toml"
BESIDE_ROUNDS: Final = frozenset({"README.md", ROUNDS, TRUSTED_KEYS})
"""Files in the folder ``submissions`` itself."""

MAX_SYSTEM: Final = 64 * KIB
"""Of system.toml, which has about 1 KB."""

KindName = Literal["system", "readme", "manifest", "result", "evidence", "attestation"]
Content = Literal["text", "json", "toml", "gzip", "trace", "npy", "png"]

_SLUG: Final = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
OUR_ROUND: Final = re.compile(r"20\d\d\.[1-9]\d?")
"""A round of what is submitted here: a year and a number."""
_MAX_SLUG: Final = 64
_EVIDENCE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RESULT_ID: Final = re.compile(r"r-[0-9a-f]{16}")
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices: a repository with one of them cannot be checked out there."""
_SPELLED: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ħ": "h"}
)
"""Latin letters that Unicode does not take apart."""


@dataclass(frozen=True)
class Kind:
    """What a file of a submission is, by its path."""

    name: KindName
    content: Content
    max_bytes: int

    @property
    def in_manifest(self) -> bool:
        """Whether the manifest lists it: not itself, nor the signatures over it."""
        return self.name not in ("manifest", "attestation")


_TOP: Final = {
    SYSTEM_FILE: Kind("system", "toml", MAX_SYSTEM),
    "README.md": Kind("readme", "text", 256 * KIB),
    # A line of it has about 170 bytes.
    "manifest.json": Kind("manifest", "json", 512 * KIB),
}
# Results have 3 KB and 200 bytes for each layer.
_RESULT: Final = Kind("result", "json", 4 * MIB)
_ATTESTATION: Final = Kind("attestation", "json", 64 * KIB)
# GitHub warns at 50 MiB. A trace of five windows of 12 s at 100 kHz has 24 MB as float32.
_LARGE: Final = 48 * MIB
_EVIDENCE: Final[dict[str, Kind]] = {
    **{suffix: Kind("evidence", "text", _LARGE) for suffix in (".txt", ".log", ".csv", ".async")},
    # Python needs up to 15 times as much memory for what it has parsed.
    ".json": Kind("evidence", "json", 32 * MIB),
    **{
        f"{suffix}.gz": Kind("evidence", "gzip", _LARGE)
        for suffix in (".txt", ".log", ".csv", ".async", ".json")
    },
    ".bin": Kind("evidence", "trace", _LARGE),
    ".npy": Kind("evidence", "npy", _LARGE),
    ".png": Kind("evidence", "png", 2 * MIB),
}

ALLOWED: Final = (
    "system.toml, README.md, manifest.json, results/<name>.json, evidence/<result id>/<name> "
    f"({', '.join(_EVIDENCE)}) and attestations/<name>.dsse.json"
)
"""For messages: what may be there."""


def kind_of(path: str) -> Kind | None:
    """What a file is, by its path below the submission (with ``/``); None if it may not be there."""
    match path.split("/"):
        case [name]:
            return _TOP.get(name)
        case ["results", name] if name.endswith(".json") and name_flaw(name) is None:
            return _RESULT
        case ["attestations", name] if name.endswith(".dsse.json") and name_flaw(name) is None:
            return _ATTESTATION
        case ["evidence", result, name] if _RESULT_ID.fullmatch(result) and name_flaw(name) is None:
            return next((kind for suffix, kind in _EVIDENCE.items() if name.endswith(suffix)), None)
    return None


def is_folder(path: str) -> bool:
    """Whether a folder may be there, by its path below the submission."""
    match path.split("/"):
        case ["results" | "evidence" | "attestations"]:
            return True
        case ["evidence", result]:
            return _RESULT_ID.fullmatch(result) is not None
    return False


def name_flaw(name: str) -> str | None:
    """What is wrong with the name of one file or folder in a submission, in words; None if nothing is."""
    if name.startswith("."):
        return "begins with a dot"
    if len(name) > MAX_NAME:
        return f"has {len(name)} characters, more than {MAX_NAME}"
    if not _EVIDENCE_NAME.fullmatch(name):
        return "has other characters than A-Z, a-z, 0-9, '.', '_' and '-'"
    if name.endswith("."):
        return "ends in a dot, which Windows drops"
    if _RESERVED.fullmatch(name):
        return "is the name of a device on Windows"
    return None


def path_flaw(path: str) -> str | None:
    """Why a path that somebody wrote down cannot be a file of a submission, in words; None if it can."""
    if not path.isascii() or not path.isprintable():
        return "has characters that are not printable ASCII"
    if "\\" in path:
        return "has a backslash"
    if path.startswith("/"):
        return "is absolute"
    parts = path.split("/")
    if not path or any(part in ("", ".", "..") for part in parts):
        return "has an empty part, '.' or '..'"
    for part in parts:
        flaw = name_flaw(part)
        if flaw is not None:
            return flaw
    return None if kind_of(path) else "is not a place for a file of a submission"


def evidence_path(result_id: str, name: str) -> str:
    """Where an evidence file of a result lies, below the submission."""
    return f"evidence/{result_id}/{name}"


def unpacked_name(name: str) -> str:
    """What an evidence file is called when it is not compressed: without ``.gz``."""
    return name.removesuffix(".gz")


@dataclass(frozen=True)
class Place:
    """Where a submission belongs: ``<round>/<organisation>/<system>`` below ``submissions/``."""

    round: str
    organisation: str
    system: str

    @property
    def path(self) -> str:
        """The three parts with ``/`` between them."""
        return f"{self.round}/{self.organisation}/{self.system}"

    @classmethod
    def of(cls, folder: Path) -> Place | None:
        """By the last three parts of an absolute path, or of one below the current folder."""
        parts = Path(os.path.abspath(folder)).parts[-3:]  # noqa: PTH100 (resolve() follows links)
        if len(parts) == 3 and all(is_slug(part) for part in parts):
            return cls(*parts)
        return None


def is_slug(text: str) -> bool:
    """Whether a text can be a round, organisation or system in a path: ASCII, lower case, at most 64."""
    return bool(_SLUG.fullmatch(text)) and len(text) <= _MAX_SLUG and not _RESERVED.fullmatch(text)


def slug(name: str) -> str:
    """The part of a path for a name that people read: ``NUCLEO_L4R5ZI`` gives ``nucleo_l4r5zi``.

    Raises:
        UsageError: no letter or digit of it can be written in ASCII, or the outcome is too long.
    """
    lowered = name.casefold().translate(_SPELLED)
    plain = unicodedata.normalize("NFKD", lowered).encode("ascii", "ignore").decode()
    runs = re.findall(r"[a-z0-9]+|[^a-z0-9]+", plain)
    kept = "".join(run if run[0].isalnum() or run in ("-", "_", ".") else "-" for run in runs).strip("-_.")
    if not is_slug(kept):
        raise UsageError(
            f"{name!a}: no part of a path follows from this name",
            hint=f"give one: a-z, digits, '-', '_' and '.', at most {_MAX_SLUG} characters",
        )
    return kept


def skeleton(part: str) -> str:
    """What a part of a path looks like at a glance: equal for names that are easily taken for each other.

    A small, ASCII-only relative of the skeleton of UTS #39.
    """
    folded = part.lower().translate(str.maketrans("01i", "oll", "-_."))
    return folded.replace("rn", "m").replace("vv", "w")
