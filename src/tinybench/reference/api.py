"""The page about the public names of ``tinybench``: signatures and docstrings, read from the source."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import griffe
from pydantic import BaseModel

import tinybench
from tinybench import errors, markdown, testing
from tinybench.reference import sources
from tinybench.reference.documents import DOCUMENTS

_INTRODUCTION: Final = """# Python API

Written from the program. Everything here is imported from `tinybench`; what is not here may change at any
time. Nothing prints, asks or exits. Names are imported when they are first used: `import tinybench` is cheap.

```python
import tinybench

result = tinybench.run("kws", samples=8)
latency = result.metric("latency.per_inference")
print(latency.value, latency.unit, latency.mode)
```

Times are in seconds, energy in joule, power in watt, clocks in hertz, memory in bytes.
"""
_TESTING: Final = """# Conformance of plug-ins

Written from the program: the functions of `tinybench.testing`, for the tests of whoever writes a plug-in.
[Plug-ins](../plugins.md) says how one is made, and what each check is about.
"""
_LINE: Final = 88
"""Longest line of a signature."""


def page() -> str:
    """All public names: functions first, then classes, each by name; the errors last."""
    values = {name: getattr(tinybench, name) for name in tinybench.__all__ if name != "__version__"}
    functions = {name: value for name, value in values.items() if inspect.isfunction(value)}
    classes = {name: value for name, value in values.items() if inspect.isclass(value)}
    parts = [
        _INTRODUCTION,
        "## \\_\\_version\\_\\_\n\nVersion of tinybench: text such as `1.2.3`.\n",
        *(_function(name, value) for name, value in functions.items()),
        *(_class(name, value) for name, value in classes.items() if name != errors.TinybenchError.__name__),
        _errors(),
    ]
    return "\n".join(parts)


def testing_page() -> str:
    """The functions of ``tinybench.testing``."""
    values = {name: getattr(testing, name) for name in testing.__all__}
    return "\n".join([_TESTING, *(_function(f"testing.{name}", value) for name, value in values.items())])


def _function(name: str, value: Any) -> str:
    parts = [
        f"## {_heading(name)}\n",
        _signature(f"tinybench.{name}", value),
        _described(sources.written(value)),
    ]
    return "\n".join(parts)


def _class(name: str, kind: type) -> str:
    written = sources.written(kind)
    parts = [f"## {_heading(name)}\n", _described(written)]
    documents = {document.model: document.page for document in DOCUMENTS}
    owner = next((page for model, page in documents.items() if kind.__module__ == model.__module__), None)
    fields = kind.model_fields if issubclass(kind, BaseModel) else {}
    if owner is not None and fields:
        anchor = "fields" if kind in documents else name.lower()
        parts.append(f"Fields: see [the document]({owner}.md#{anchor}); each is an attribute.\n")
    attributes = [
        (f"`{item.name}`", f"`{item.annotation}`", markdown.text(sources.meaning(kind, item.name)))
        for item in written.members.values()
        if isinstance(item, griffe.Attribute) and item.annotation is not None
        if item.is_public and item.name not in fields and item.name != "model_config"
    ]
    if attributes:
        parts.append(markdown.table(("Attribute", "Type", "Meaning"), attributes))
    for method in written.members.values():
        if isinstance(method, griffe.Function) and method.is_public and not method.name.startswith("_"):
            parts += [
                f"### {name}.{_heading(method.name)}\n",
                _signature(method.name, getattr(kind, method.name)),
                _described(method),
            ]
    return "\n".join(parts)


def _errors() -> str:
    """The tree of errors, with exit codes."""
    rows = [
        (
            f"`{name}`",
            f"`{kind.__mro__[1].__name__}`",
            str(kind.exit_code),
            markdown.text(sources.docstring(kind)),
        )
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, errors.TinybenchError)
    ]
    return (
        "## Errors\n\nWhat is raised on purpose derives from `tinybench.TinybenchError`; the others are in "
        "`tinybench.errors`. `message` is one clear line, `hint` says what to do about it or is None, and "
        "`exit_code` is that of the command line.\n\n"
        + markdown.table(("Error", "Is a", "Exit code", "Meaning"), rows)
    )


def _signature(name: str, function: Callable[..., Any]) -> str:
    """As code, one parameter a line where one line would be long."""
    signature = inspect.signature(function)
    given: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in given:
            given.append("*")
        default = "" if parameter.default is parameter.empty else f" = {_literal(parameter.default)}"
        given.append(f"{parameter.name}: {parameter.annotation}{default}")
    line = f"{name}({', '.join(given)}) -> {signature.return_annotation}"
    if len(line) > _LINE:
        line = f"{name}(\n    " + ",\n    ".join(given) + f",\n) -> {signature.return_annotation}"
    return f"```python\n{line}\n```\n"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _described(written: griffe.Object) -> str:
    """The docstring, its sections as tables."""
    if written.docstring is None:
        return ""
    sections = written.docstring.parse("google", warnings=False)
    return "\n".join(_section(section) for section in sections)


def _section(section: griffe.DocstringSection) -> str:
    match section:
        case griffe.DocstringSectionText(value=text):
            return markdown.text(text) + "\n"
        case griffe.DocstringSectionParameters(value=items):
            rows = [(f"`{item.name}`", markdown.text(item.description)) for item in items]
            return markdown.table(("Argument", "Meaning"), rows)
        case griffe.DocstringSectionReturns(value=items):
            return "".join(f"**Returns:** {markdown.text(item.description)}\n" for item in items)
        case griffe.DocstringSectionRaises(value=items):
            rows = [(f"`{item.annotation}`", markdown.text(item.description)) for item in items]
            return markdown.table(("Raises", "When"), rows)
    raise ValueError(f"the reference cannot show a section of kind {section.kind.value}")


def _heading(name: str) -> str:
    return name.replace("_", "\\_")
