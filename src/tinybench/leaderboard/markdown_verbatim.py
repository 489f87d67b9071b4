"""Markdown extension: pages that are HTML already go through Markdown as they are.

Markdown and MkDocs would each parse every tag of them, which takes most of the time of ten thousand pages;
and so no text in them can be taken for Markdown.
"""

from __future__ import annotations

from typing import Any, Final

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

MARK: Final = "<!-- as it is -->"
"""First line of such a page; what follows begins with a block element."""


class _Verbatim(Preprocessor):  # type: ignore[misc]
    def run(self, lines: list[str]) -> list[str]:
        start = next((number for number, line in enumerate(lines) if line), 0)
        if not lines or lines[start] != MARK:
            return lines
        assert self.md is not None
        # A block of its own: no paragraph around it.
        return [self.md.htmlStash.store("\n".join(lines[start + 1 :]).strip()), "", ""]


class _Extension(Extension):  # type: ignore[misc]
    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the name that Markdown calls
        # After control characters are gone (30), before anything that looks at the text (25 and less).
        md.preprocessors.register(_Verbatim(md), "tinybench-verbatim", 29)


def makeExtension(**options: Any) -> Extension:  # noqa: N802
    """What Markdown calls to load it; it takes no options."""
    return _Extension(**options)
