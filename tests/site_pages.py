"""Reading a built site: its pages parsed once, and where their links lead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import html

REFERENCES = {"href", "src", "poster", "data", "action", "formaction", "cite", "background"}
NOT_FOUND = "404.html"
"""A server shows it at any address, so that its links begin at the root of the host."""
_URL_OF_STYLE = re.compile(r"url\(\s*['\"]?(.*?)['\"]?\s*\)|@import\s+['\"](.*?)['\"]")


@dataclass(frozen=True)
class Reference:
    """Something that a page names: a link, an image, a script."""

    page: Path
    tag: str
    attribute: str
    url: str

    @property
    def is_loaded(self) -> bool:
        """Whether the browser gets it without being asked; links and canonical addresses are only named."""
        return self.tag not in ("a", "area", "form", "blockquote", "q") and self.attribute != "canonical"


@dataclass
class Page:
    """One page of the site."""

    path: Path
    text: str = field(repr=False)

    @cached_property
    def root(self) -> Any:
        return html.document_fromstring(self.text)

    @cached_property
    def anchors(self) -> set[str]:
        return {str(value) for value in self.root.xpath("//@id")} | {
            str(name) for name in self.root.xpath("//a/@name")
        }

    def references(self) -> Iterator[Reference]:
        for element in self.root.iter():
            if not isinstance(element.tag, str):
                continue
            named = element.tag == "link" and element.get("rel") in ("canonical", "alternate", "prev", "next")
            for attribute, value in element.attrib.items():
                kind = "canonical" if named else str(attribute)
                if attribute in REFERENCES:
                    yield Reference(self.path, element.tag, kind, str(value))
                elif attribute == "srcset":
                    for candidate in str(value).split(","):
                        yield Reference(self.path, element.tag, kind, candidate.split()[0])


def pages_of(site: Path) -> list[Page]:
    """All pages, by path."""
    return [Page(path, path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))]


def style_references(site: Path) -> Iterator[Reference]:
    """What style sheets load."""
    for path in sorted(site.rglob("*.css")):
        for one, other in _URL_OF_STYLE.findall(path.read_text(encoding="utf-8")):
            yield Reference(path, "style", "url", one or other)


def target(reference: Reference, site: Path, prefix: str) -> tuple[Path, str] | None:
    """The file and the anchor that a reference leads to; None if it leaves the site.

    Args:
        reference: as it stands on the page.
        site: folder of the site.
        prefix: path of the site on its server.
    """
    parts = urlsplit(reference.url)
    if parts.scheme or parts.netloc:
        return None
    path = unquote(parts.path)
    if path.startswith("/"):
        file = site / path.removeprefix(prefix)
    else:
        file = reference.page.parent / path if path else reference.page
    return file.resolve(), unquote(parts.fragment)
