"""Reads a system description of MLPerf Tiny: JSON by intention.

The template of the first rounds has keys twice, so that a repeated key is not an error but a second value.
Published files also lack commas, have one too many, break strings over lines, or hold comments and words
without quotes. What can be read with certainty is read, and it is said that the file had to be repaired.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tinybench.errors import DataError
from tinybench.files.bounded import require_at_most

MAX_BYTES: Final = 256 * 1024
_MAX_DEPTH: Final = 8
_NOT_STATED: Final = frozenset({"", "n/a", "na", "none", "-", "tbd", "null"})


@dataclass(frozen=True)
class SystemFile:
    """What a submitter says about a system."""

    values: Mapping[str, tuple[str, ...]]
    """Key, as it is spelled, without blanks around it -> what is said under it, each once, in order. A value
    that is an object is JSON again; what only says that nothing is said is left out."""
    repaired: str | None
    """What is wrong with the JSON; None if nothing is."""

    def text(self, key: str) -> str | None:
        """What is said under a key, in one text; case does not matter. None if nothing is."""
        for name, texts in self.values.items():
            if name.lower() == key.lower():
                return "; ".join(texts) or None
        return None


def read_system_file(data: bytes, name: str) -> SystemFile:
    """Read a system description.

    Args:
        data: the file.
        name: what errors call it.

    Raises:
        DataError: it is larger than any such file, or no object can be made out in it.
    """
    require_at_most(MAX_BYTES, data, name)
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    repaired = None
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        repaired = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        pairs = _Lenient(text, name).document()
    if not isinstance(pairs, _Pairs):
        raise DataError(f"{name}: is no JSON object", hint="it has to hold one key for each fact")
    values: dict[str, list[str]] = {}
    for key, value in pairs:
        stated = _text(value)
        said = values.setdefault(" ".join(str(key).split()), [])
        if stated.lower() not in _NOT_STATED and stated not in said:
            said.append(stated)
    return SystemFile({key: tuple(said) for key, said in values.items()}, repaired)


class _Pairs(list[tuple[str, Any]]):
    """An object with every pair, also those whose key is there twice."""


def _text(value: object) -> str:
    if isinstance(value, _Pairs | list):
        return json.dumps(_plain(value), ensure_ascii=False) if value else ""
    return "" if value is None else " ".join(str(value).split())


def _plain(value: object) -> object:
    if isinstance(value, _Pairs):
        return {key: _plain(item) for key, item in value}
    return [_plain(item) for item in value] if isinstance(value, list) else value


_TOKEN: Final = re.compile(
    r"""\s+ | //[^\n]* | \#[^\n]* | /\*.*?\*/ | ,            # nothing that matters here
    | (?P<mark>[{}\[\]:])
    | "(?P<double>(?:[^"\\]|\\.)*)"
    | '(?P<single>(?:[^'\\]|\\.)*)'
    | (?P<word>[^\s{}\[\]:,"'][^{}\[\]:,"'\n]*)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class _Lenient:
    """JSON in which commas mean nothing: what follows a value can only be the next key."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.tokens = list(self._tokens(text))
        self.at = 0

    def document(self) -> object:
        """The first value of the text."""
        return self._value(0)

    def _tokens(self, text: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.end() == at:
                raise self._refuse(f"line {text.count(chr(10), 0, at) + 1}: a string has no end")
            at = match.end()
            if match.lastgroup is not None:
                found.append((match.lastgroup, match[match.lastgroup]))
        return found

    def _value(self, depth: int) -> object:
        if depth > _MAX_DEPTH:
            raise self._refuse("is nested too deeply")
        kind, text = self._next()
        if (kind, text) == ("mark", "{"):
            pairs = _Pairs()
            while not self._ends("}"):
                key_kind, key = self._next()
                if key_kind == "mark" or self._next() != ("mark", ":"):
                    raise self._refuse(f"'{key[:40]}' is no key with a value")
                pairs.append((_unescaped(key), self._value(depth + 1)))
            return pairs
        if (kind, text) == ("mark", "["):
            items = []
            while not self._ends("]"):
                items.append(self._value(depth + 1))
            return items
        if kind == "mark":
            raise self._refuse(f"'{text}' is where a value should be")
        return text.strip() if kind == "word" else _unescaped(text)

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise self._refuse("ends before it is complete")
        self.at += 1
        return self.tokens[self.at - 1]

    def _ends(self, mark: str) -> bool:
        """Whether an object or a list ends here; the end of the text ends all of them."""
        if self.at >= len(self.tokens):
            return True
        if self.tokens[self.at] == ("mark", mark):
            self.at += 1
            return True
        return False

    def _refuse(self, reason: str) -> DataError:
        return DataError(f"{self.name}: {reason}", hint="write it as JSON")


def _unescaped(text: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPED.get(code, code)

    return _ESCAPES.sub(replaced, text)
