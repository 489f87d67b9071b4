"""The generated part of the site source: pages that MkDocs takes, and files beside them.

A page is a template of ``templates/``: HTML, which Markdown passes on as it is, and in which Jinja escapes
every text, so that the browser shows what comes from a submission as text.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import escape

from tinybench.files.guarded import Folder
from tinybench.leaderboard.addresses import file_of, link
from tinybench.leaderboard.markdown_verbatim import MARK
from tinybench.quantities import frequency, quantity, size
from tinybench.submissions.layout import MAX_BYTES

WIDE: Final = "result.html"
"""Template of the theme without the side navigation, which would take most of the time of ten thousand pages,
and the room of their tables."""

_DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The one in C is ten times as quick; PyYAML has it wherever it was built with libyaml."""


class Pages:
    """Collects what is generated; nothing is written before all of it is there."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        """Path below the site root -> content; pages as ``.md``."""
        self.copies: dict[str, Path] = {}
        """Path below the site root -> file of a submission, which may be too large to be kept here."""

    def add(
        self,
        address: str,
        title: str,
        template: str,
        *,
        description: str = "",
        theme: str | None = WIDE,
        search: bool = True,
        **values: Any,
    ) -> None:
        """Render a page.

        Args:
            address: of the page, such as ``results/r-0123456789abcdef/``.
            title: plain text, for the title of the window and for search engines.
            template: name in ``templates/``, without ``.html.j2``. It gets ``values``, ``here`` (the address)
                and ``link(there)``.
            description: plain text, one sentence.
            theme: template of the theme; None: that of hand-written pages.
            search: whether the search of the site finds it.
        """
        front: dict[str, object] = {"title": _line(title)}
        if description:
            front["description"] = _line(description)
        if theme is not None:
            front["template"] = theme
        if not search:
            front["search"] = {"exclude": True}
        head = yaml.dump(front, Dumper=_DUMPER, sort_keys=False)

        def to(there: str) -> str:
            return link(here=address, there=there)

        html = environment().get_template(f"{template}.html.j2").render(here=address, link=to, **values)
        page = f"---\n{head}---\n\n{MARK}\n{html.lstrip()}\n"
        self.file(file_of(address).removesuffix(".html") + ".md", page.encode())

    def file(self, path: str, data: bytes) -> None:
        """Add a file that goes to the site as it is."""
        self._require_new(path)
        self.files[path] = data

    def copy(self, path: str, source: Path) -> None:
        """Add a file of a submission, as it is."""
        self._require_new(path)
        self.copies[path] = source

    def _require_new(self, path: str) -> None:
        if path in self.files or path in self.copies:
            raise ValueError(f"{path} is generated twice")

    def write(self, folder: Path) -> None:
        """Write everything below a folder.

        Raises:
            DataError: a file to copy is not there any more, or is a link now.
        """
        for path, data in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        for path, source in self.copies.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with Folder.open(source.parent) as below, target.open("wb") as copy:
                copy.writelines(below.blocks(source.name, MAX_BYTES))


def _line(text: str) -> str:
    """One line, escaped for HTML: the theme writes what the front matter holds into pages as it is."""
    return str(escape(" ".join(text.split())))


@cache
def environment() -> Environment:
    """Jinja with the templates of the site: escaping everything, refusing what is not defined."""
    made = Environment(
        loader=PackageLoader("tinybench.leaderboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "quantity": quantity,
        "hertz": frequency,
        "size": size,
        "day": _day,
    }
    made.filters.update(filters)
    return made


def _day(time: datetime) -> str:
    return time.strftime("%Y-%m-%d")
