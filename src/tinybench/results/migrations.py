"""Reading results of every schema that was ever written.

A file says its schema. Each older schema has one function here that turns its document into the next
one; the fixtures in ``tests/contract/historic_results`` must keep loading for good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tinybench.errors import InvalidResultError

CURRENT: Final = "tinybench.result/2"

Step = Callable[[dict[str, Any]], dict[str, Any]]


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 also holds what others published: more may be unknown, and the source is named."""
    device = document.get("device")
    if isinstance(device, dict) and device.get("id") != "host":
        document["device"] = device | {"board": None, "supply_v": None, "accelerator": None}
    return document | {"schema": "tinybench.result/2", "source": None, "windows": []}


STEPS: Final[dict[str, Step]] = {"tinybench.result/1": _from_1}
"""Schema -> function that gives the document of the schema after it."""


def migrate(document: object, source: str, steps: dict[str, Step] = STEPS) -> dict[str, Any]:
    """The document in the current schema; it keeps its id, by which it may have been cited.

    Args:
        document: parsed JSON.
        source: named in errors, usually the path of the file.
        steps: the migrations.

    Raises:
        InvalidResultError: not a result, or of a schema that this version does not know.
    """
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        raise InvalidResultError(source, ["not a tinybench result: it has no 'schema'"])
    seen: set[str] = set()
    while (schema := document["schema"]) != CURRENT:
        if schema not in steps or schema in seen:
            raise InvalidResultError(
                source,
                [f"unknown result schema '{schema}'"],
                hint=f"this version reads {', '.join(sorted([*steps, CURRENT]))}; a newer one may read it",
            )
        seen.add(schema)
        document = steps[schema](dict(document))
    return document
