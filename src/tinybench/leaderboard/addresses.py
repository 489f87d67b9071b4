"""Where things are on the site. An address is a path below its root: a folder with a slash, or a file.

Addresses of results hold nothing but their content id, so that they outlive every title and name.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from tinybench.errors import UsageError
from tinybench.submissions.layout import Place, slug

HOME: Final = ""
LEADERBOARD: Final = "leaderboard/"
COMPARE: Final = "compare/"
RESULTS: Final = "results/"
SYSTEMS: Final = "systems/"
ORGANISATIONS: Final = "organisations/"
DEVICES: Final = "devices/"
MODELS: Final = "models/"
TASKS: Final = "tasks/"
ROUNDS: Final = "rounds/"
DATA: Final = "data/"
FEED: Final = "feed.xml"
FIGURES: Final = "figures/"

_MARK: Final = re.compile(r"[?#]")
_AMBIGUOUS: Final = re.compile(r"-[0-9a-f]{16}$|\.(?:md|html)$")
"""What a part would be taken for: one with a hash, or the file of a page."""


def task(task_id: str) -> str:
    """Of a task that this project defines, or of one that a publication names."""
    return f"{TASKS}{name_part(task_id)}/"


def result(result_id: str) -> str:
    """Of a result, for good."""
    return f"{RESULTS}{result_id}/"


def system(place: Place) -> str:
    """Of a submission."""
    return f"{SYSTEMS}{place.path}/"


def organisation(part: str) -> str:
    """Of an organisation, by its part of a path."""
    return f"{ORGANISATIONS}{name_part(part)}/"


def device(device_id: str) -> str:
    """Of a device."""
    return f"{DEVICES}{name_part(device_id)}/"


def model(name: str, sha256: str | None) -> str:
    """Of a model: files of one name and other bytes have pages of their own."""
    return f"{MODELS}{name_part(name)}{f'-{sha256}' if sha256 else ''}/"


def round_(name: str) -> str:
    """Of a round."""
    return f"{ROUNDS}{name}/"


def name_part(name: str) -> str:
    """The part of an address for any text: its slug, with a bit of its hash where the two differ.

    So that two texts do not have one address, whatever is in them, nor one that is a file of the site.
    """
    try:
        part = slug(name)
    except UsageError:
        part = "x"
    plain = part == name and not _AMBIGUOUS.search(name)
    return part if plain else f"{part[:47]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def file_of(address: str) -> str:
    """The file that a browser is shown at an address."""
    return f"{address}index.html" if address == HOME or address.endswith("/") else address


def link(here: str, there: str) -> str:
    """Relative link between two addresses; it names a file, so that it also works without a server.

    Args:
        here: address of the page that holds the link.
        there: address, maybe with ``?query`` or ``#anchor``.
    """
    mark = _MARK.search(there)
    end = mark.start() if mark else len(there)
    source, target = file_of(here).split("/")[:-1], file_of(there[:end]).split("/")
    common = 0
    while common < min(len(source), len(target) - 1) and source[common] == target[common]:
        common += 1
    return "/".join(("..",) * (len(source) - common) + tuple(target[common:])) + there[end:]
