"""Pages about the documents that tinybench reads and writes: every field, its type and its meaning.

Types come from the JSON Schema of the models that validate a document, meanings from the docstrings beside
the fields.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import BaseModel

from tinybench import markdown
from tinybench.profiling.schema import Profile
from tinybench.reference import sources
from tinybench.results.schema import Result
from tinybench.specs.base import Sourced
from tinybench.specs.device_spec import USB_ID, DeviceSpec
from tinybench.submissions.system import System


@dataclass(frozen=True)
class Document:
    """One kind of document, and what its page says above the fields."""

    page: str
    title: str
    model: type[BaseModel]
    introduction: str
    written: bool
    """By tinybench, as JSON in which every field is there; else by people, as TOML."""


DOCUMENTS: Final = (
    Document(
        "result",
        "Result files",
        Result,
        "A result is one JSON file, schema `tinybench.result/2` "
        "([JSON Schema](../schema/tinybench.result-2.json)). [Results](../results.md) says what may be "
        "published, what the content id covers, and which unit each metric has.",
        written=True,
    ),
    Document(
        "profile",
        "Profiles",
        Profile,
        "What `tinybench profile --json` prints, schema `tinybench.profile/1`. "
        "[Profiling](../profile.md) says how the figures come to be.",
        written=True,
    ),
    Document(
        "system",
        "system.toml",
        System,
        "What a submission measured, schema `tinybench.system/1`. [Submissions](../submissions.md) says what "
        "else is in the folder. What is not known is left out.",
        written=False,
    ),
    Document(
        "device",
        "Device profiles",
        DeviceSpec,
        "A device is one file, `runners/devices/<id>.toml`. [Add a device](../tutorials/device.md) writes "
        "one step by step. *Sourced* is a table of `value` and `source`: the document, with table, figure or "
        "section, that the value was read from.",
        written=False,
    ),
)

_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}
_BOUNDS: Final = {
    "minimum": "at least {:,}",
    "exclusiveMinimum": "above {:,}",
    "maximum": "at most {:,}",
    "exclusiveMaximum": "below {:,}",
    "maxLength": "at most {:,} characters",
}
_PATTERNS: Final = {
    "^[0-9a-f]{64}$": "SHA-256, 64 hex digits",
    "^[a-z0-9]+(?:[-_.][a-z0-9]+)*$": "lower-case letters and digits, with single `-`, `_` or `.` between",
    USB_ID: "vendor and product, `0483:374b`",
}
_NULL: Final = "; or null"
_NONE: Final = re.compile(r"(^|\. )?\bNone\b")


def pages() -> dict[str, str]:
    """File name below the folder of the pages -> Markdown."""
    return {f"reference/{document.page}.md": page(document) for document in DOCUMENTS}


def page(document: Document) -> str:
    """The page of one kind of document."""
    mode: Any = "serialization" if document.written else "validation"
    schema = document.model.model_json_schema(by_alias=True, mode=mode)
    kinds = models(document.model)
    parts = [f"# {document.title}\n\n{document.introduction} Written from the program.\n"]
    for kind in kinds:
        top = kind is document.model
        parts.append(f"## {'Fields' if top else kind.__name__}\n")
        parts.append(f"{markdown.text(_said(sources.docstring(kind), document.written))}\n")
        parent = kind.__mro__[1]
        if parent in kinds:
            parts.append(f"All fields of [{parent.__name__}](#{parent.__name__.lower()}), and:\n")
        own = schema if top else schema["$defs"][kind.__name__]
        inherited = parent.model_fields if parent in kinds and issubclass(parent, BaseModel) else ()
        parts.append(_fields(kind, own, inherited, document.written))
    return "\n".join(parts)


def models(kind: type[BaseModel]) -> tuple[type[BaseModel], ...]:
    """A model and those that its fields hold, each once, in the order of the fields."""
    found = [kind]
    for field in kind.model_fields.values():
        found += [below for held in _held(field.annotation) for below in models(held)]
    return tuple(dict.fromkeys(found))


def _held(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation.__pydantic_generic_metadata__["origin"] is not Sourced:
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _held(argument)


def _fields(kind: type[BaseModel], schema: dict[str, Any], inherited: Collection[str], written: bool) -> str:
    rows: list[tuple[str, ...]] = []
    for name, field in kind.model_fields.items():
        if name in inherited:
            continue
        key = field.alias or name
        shown = _type(schema["properties"][key])
        meaning = markdown.text(_said(sources.meaning(kind, name), written))
        if written:
            rows.append((f"`{key}`", shown, meaning))
        else:
            needed = key in schema.get("required", ()) and not shown.endswith(_NULL)
            rows.append((f"`{key}`", shown.removesuffix(_NULL), "yes" if needed else "no", meaning))
    header = ("Field", "Type", "Meaning") if written else ("Field", "Type", "Required", "Meaning")
    return markdown.table(header, rows)


def _said(docstring: str, written: bool) -> str:
    """A docstring for readers of the document: JSON has null for None, and TOML has nothing."""
    nothing = "null" if written else "left out"

    def instead(found: re.Match[str]) -> str:
        return nothing if found[1] is None else found[1] + nothing.capitalize()

    return _NONE.sub(instead, docstring)


def _type(schema: dict[str, Any]) -> str:
    """What a value is, in words."""
    match schema:
        case {"$ref": reference}:
            name = reference.rpartition("/")[2]
            sourced = name.startswith(f"{Sourced.__name__}_")
            return f"{_sourced(name)}, sourced" if sourced else f"[{name}](#{name.lower()})"
        case {"anyOf": [*kinds, {"type": "null"}]}:
            return _type({"anyOf": kinds}) + _NULL
        case {"anyOf": kinds}:
            return " or ".join(map(_type, kinds))
        case {"const": value}:
            return f"`{value}`"
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"prefixItems": items}:
            return f"array of {len(items)}: {', '.join(map(_type, items))}"
        case {"type": "array"}:
            return f"array of: {_type(schema['items'])}"
        case {"type": "object", "additionalProperties": True}:
            return "table"
        case {"type": "object"}:
            return f"table of: {_type(schema['additionalProperties'])}"
        case {"type": "string", "format": "date-time"}:
            return "date and time, ISO 8601"
        case {"type": "string", "pattern": pattern}:
            return _PATTERNS.get(pattern, f"text like `{pattern}`")
    bounds = [words.format(schema[key]) for key, words in _BOUNDS.items() if key in schema]
    return ", ".join([_TYPES[schema["type"]], *bounds])


def _sourced(name: str) -> str:
    """The type of the value in a sourced constant, by the name that the schema gives to it."""
    inner = name.removeprefix(f"{Sourced.__name__}_").rstrip("_")
    return {"int": "whole number", "float": "number", "bool": "true or false", "str": "text"}[inner]
