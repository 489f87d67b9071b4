"""What a module says about its names: docstrings, fields and signatures, read from its source."""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import griffe


@cache
def module(name: str) -> griffe.Module:
    """A module as it is written; its docstrings are in Google's style."""
    home = import_module(name)
    path = Path(inspect.getfile(home))
    return griffe.visit(
        name, filepath=path, code=path.read_text(encoding="utf-8"), docstring_parser=griffe.Parser.google
    )


def written(value: Any) -> griffe.Object:
    """A class or function as it is written."""
    found = module(value.__module__)[value.__qualname__]
    assert isinstance(found, griffe.Object)
    return found


def docstring(value: Any) -> str:
    """What a class or function says about itself; empty if nothing."""
    found = written(value).docstring
    return "" if found is None else found.value


def meaning(kind: type, field: str) -> str:
    """The docstring of a field, of the class or of the one that it has it from; empty if there is none."""
    for base in kind.__mro__:
        if not base.__module__.startswith("tinybench."):
            continue
        found = written(base).members.get(field)
        if found is not None and found.docstring is not None:
            return found.docstring.value
    return ""
