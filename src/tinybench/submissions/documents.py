"""The documents of a submission, parsed with bounds, and every text in them looked at.

Whatever a schema says about a field: no text of ``system.toml``, of a result or of ``README.md`` gets past
this without being one that can be shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tinybench.errors import DataError
from tinybench.files import strict_json, strict_toml
from tinybench.files.guarded import Folder
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.scanning import UNREADABLE, Inventory
from tinybench.submissions.text import Flaw, address_flaw, flaw, name_flaw

BROKEN: Final = rule(
    "TB050",
    "document-broken",
    "error",
    title="A document cannot be read",
    why="""JSON and TOML are read strictly, so that every program reads the same: UTF-8, no key twice, no
    NaN or Infinity, no number beyond 1e30 and no integer beyond 64 bits, no half of a surrogate pair,
    not nested more than 32 deep (TOML: 16).""",
    hint="Correct the file at the place that the message names.",
)

_NAMES: Final = frozenset(
    """title organisation board chip core accelerator.name engine.name model.name
    device.id device.board device.chip device.core device.accelerator.name engine.kernels runner task.id
    instrument.kind instrument.title
    source.organisation source.system""".split()
)
"""Keys of system.toml and of a result that say who or what somebody or something is."""
_ADDRESSES: Final = frozenset({"source.repository"})
_MAX_FLAWS: Final = 10
"""Findings per file; nobody reads more of them."""
JSON_LIMITS: Final = strict_json.JsonLimits(containers=100_000, values=200_000)
"""The layers of the largest model so far have 1,000 values."""


@dataclass(frozen=True)
class Documents:
    """What was read, and what is wrong with it."""

    findings: tuple[Finding, ...]
    values: Mapping[str, Any]
    """Path -> parsed system.toml or results/*.json, also of those whose texts are refused."""


def read_documents(path: Path, inventory: Inventory) -> Documents:
    """Read ``system.toml``, ``results/*.json`` and ``README.md`` of a submission.

    Raises:
        DataError: the folder ``path`` cannot be opened.
    """
    findings: list[Finding] = []
    values: dict[str, Any] = {}
    with Folder.open(path) as folder:
        for name, file in inventory.files.items():
            if file.kind.name not in ("system", "result", "readme"):
                continue
            try:
                data = folder.read(name, file.kind.max_bytes)
            except DataError as error:
                findings.append(UNREADABLE.found(name, error.message.removeprefix(f"{name}: ")))
                continue
            if file.kind.name == "readme":
                findings += _readme_flaws(name, data)
                continue
            try:
                if file.kind.content == "toml":
                    values[name] = strict_toml.loads(data, name)
                else:
                    values[name] = strict_json.loads(data, name, JSON_LIMITS)
            except DataError as error:
                findings.append(BROKEN.found(name, error.message.removeprefix(f"{name}: ")))
                continue
            findings += _first(text_flaws(name, values[name]))
    return Documents(tuple(findings), values)


def text_flaws(where: str, document: object) -> Iterator[Finding]:
    """What is wrong with the texts of a parsed document, keys included; ``where`` is its path."""
    # A stack keeps the order of the document when children are pushed backwards.
    waiting: list[tuple[str, object]] = [("", document)]
    while waiting:
        key, value = waiting.pop()
        match value:
            case str():
                found = _flaw_of(key, value)
                if found is not None:
                    yield found.rule.found(f"{where}: {key}", found.reason)
            case dict():
                children = []
                for name, item in value.items():
                    found = flaw(name)
                    if found is not None:
                        yield found.rule.found(f"{where}: a key of {key or 'the whole file'}", found.reason)
                    else:
                        children.append((f"{key}.{name}" if key else name, item))
                waiting += reversed(children)
            case list():
                waiting += reversed(
                    [(f"{key}.{number}" if key else str(number), item) for number, item in enumerate(value)]
                )


def _flaw_of(key: str, text: str) -> Flaw | None:
    if key in _NAMES:
        return name_flaw(text)
    return address_flaw(text) if key in _ADDRESSES else flaw(text)


def _readme_flaws(name: str, data: bytes) -> Iterator[Finding]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        yield BROKEN.found(name, f"byte {error.start + 1} is not UTF-8")
        return
    yield from _first(_line_flaws(name, text))


def _line_flaws(name: str, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.split("\n"), start=1):
        found = flaw(line.removesuffix("\r").replace("\t", " "))
        if found is not None:
            yield found.rule.found(f"{name}: line {number}", found.reason)


def _first(findings: Iterator[Finding]) -> Iterator[Finding]:
    for _, finding in zip(range(_MAX_FLAWS), findings, strict=False):
        yield finding
