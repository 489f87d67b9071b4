"""Markdown extension: tables whose headers say that they are, and whose aligned columns are classes.

``---:`` gives ``style="text-align: right"`` or ``align="right"``. The content security policy forbids the
first, HTML the second.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor


class _Tables(Treeprocessor):  # type: ignore[misc]
    def run(self, root: Element) -> None:
        for cell in root.iter():
            if cell.tag in ("td", "th") and (side := cell.attrib.pop("align", None)):
                cell.set("class", f"tb-{side}")
            if cell.tag == "th":  # Markdown has headers of columns alone
                cell.set("scope", "col")


class _Extension(Extension):  # type: ignore[misc]
    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the name that Markdown calls
        md.treeprocessors.register(_Tables(md), "tinybench-tables", 5)


def makeExtension(**options: Any) -> Extension:  # noqa: N802
    """What Markdown calls to load it; it takes no options."""
    return _Extension(**options)
