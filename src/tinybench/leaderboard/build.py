"""Builds the site: submissions to pages, pages to HTML."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import yaml

from tinybench.errors import DataError, OutputError, SiteError
from tinybench.leaderboard import handbook
from tinybench.leaderboard.board import Board, collect
from tinybench.leaderboard.frame import frame
from tinybench.leaderboard.pages import Pages
from tinybench.progress import Progress, silent
from tinybench.submissions.layout import TRUSTED_KEYS

URL: Final = "https://tinybench.github.io/tinybench/"
"""Where the site is published, if nothing else is said."""


@dataclass(frozen=True)
class Context:
    """What a generator makes pages from, and where it puts them."""

    board: Board
    frame: pd.DataFrame
    pages: Pages
    url: str
    """Of the root of the site, with a slash at the end."""


Generator = Callable[[Context], None]


def generators() -> Mapping[str, Generator]:
    """What makes the pages; in the order in which they are made."""
    from tinybench.leaderboard import (
        compare_page,
        device_page,
        downloads,
        feed,
        figures,
        figures_page,
        home,
        model_page,
        organisation_page,
        overview_page,
        result_page,
        round_page,
        system_page,
        task_page,
    )

    return {
        "figures": figures.write,
        "page of figures": figures_page.write,
        "home": home.write,
        "results": result_page.write,
        "systems": system_page.write,
        "organisations": organisation_page.write,
        "devices": device_page.write,
        "models": model_page.write,
        "tasks": task_page.write,
        "rounds": round_page.write,
        "feed": feed.write,
        "downloads": downloads.write,
        "overview": overview_page.write,
        "compare": compare_page.write,
    }


@dataclass(frozen=True)
class Built:
    """A site that was built."""

    path: Path
    results: int
    pages: int


def build(
    root: Path,
    output: Path,
    *,
    submissions: Path | None = None,
    url: str = URL,
    extra: Mapping[str, str],
    progress: Progress = silent,
) -> Built:
    """Build the site from a checkout; it is there whole or as it was before.

    Args:
        root: the checkout, with ``site/mkdocs.yml``.
        output: folder of the site; an earlier site there is replaced.
        submissions: other submissions than those of the checkout.
        url: where the site will be.
        extra: pages that this package cannot write, such as those about the commands, and that the others
            link to: path below the root of the site -> Markdown.
        progress: called with each step.

    Raises:
        DataError: ``root`` is no checkout, or ``submissions`` is missing.
        FailedCheckError: a submission breaks a rule.
        SiteError: MkDocs refuses the pages.
        OutputError: ``output`` cannot be written, or is something else than a site.
    """
    config = root / "site" / "mkdocs.yml"
    if not config.is_file():
        raise DataError(
            f"{config} is missing", hint="run it in a checkout of tinybench, or name one with --root"
        )
    source = submissions or root / "submissions"
    _require_replaceable(output)
    keys = source / TRUSTED_KEYS
    board = collect(source, trusted=keys if keys.exists() else None, progress=progress)
    pages = Pages()
    context = Context(board, frame(board), pages, url if url.endswith("/") else f"{url}/")
    steps = generators()
    for done, (name, generate) in enumerate(steps.items()):
        progress(f"making pages: {name}", done, len(steps))
        generate(context)
    for path, markdown in (handbook.pages(root) | dict(extra)).items():
        pages.file(path, markdown.encode())
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as scratch:
            workshop = Path(scratch).resolve()
            made = workshop / "site"
            _assemble(root, pages, workshop / "docs")
            progress("making HTML", 0, 0)
            _mkdocs(config, workshop, made, context, _epoch(board))
            progress("making HTML", 1, 1)
            _replace(made, output)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"cannot write the site to {output}: {reason}", hint="look at the folder") from None
    return Built(output, len(board.rows), sum(path.endswith(".md") for path in pages.files))


def _assemble(root: Path, pages: Pages, docs: Path) -> None:
    """Hand-written and generated pages in one folder, as MkDocs wants them."""
    shutil.copytree(root / "site" / "docs", docs)
    for page in handbook.decision_pages(docs):
        page.write_text(handbook.UNSEARCHED + page.read_text(encoding="utf-8"), encoding="utf-8")
    for path in pages.files:
        if (docs / path).exists():
            raise SiteError(f"{path} is generated, and is in site/docs too", hint="remove it there")
    pages.write(docs)


def _mkdocs(config: Path, scratch: Path, output: Path, context: Context, epoch: int) -> None:
    settings = {
        "INHERIT": str(config.absolute()),
        "docs_dir": str(scratch / "docs"),
        "site_dir": str(output),
        "site_url": context.url,
        "theme": {"custom_dir": str((config.parent / "theme").absolute())},
    }
    made = scratch / "mkdocs.yml"
    made.write_text(yaml.safe_dump(settings))
    # The date of the newest result, so that the same submissions give the same bytes on any day.
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch), "NO_MKDOCS_2_WARNING": "1"}
    # Not --quiet: with it, warnings are dropped before --strict counts them.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(made)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).replace(f"{scratch / 'docs'}{os.sep}", "").strip().splitlines()
        complaints = [line for line in said if line.startswith(("WARNING", "ERROR"))]
        # Without any it fell over, and the last line of the traceback says of what.
        reason = " ".join(complaints or said[-1:])
        raise SiteError(f"MkDocs refuses the pages: {reason}", hint="mend what it names")


def _epoch(board: Board) -> int:
    """Of the newest result, as far as the header of a .gz can hold it (RFC 1952: 32 bits, from 1970)."""
    newest = int(max((row.result.created.timestamp() for row in board.rows), default=0))
    return min(max(newest, 0), 2**32 - 1)


_MARK: Final = "sitemap.xml"
"""Every site has it, and hardly any other folder."""


def _require_replaceable(output: Path) -> None:
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise OutputError(f"{output} is no folder", hint="name another --output")
    if output.is_dir() and any(output.iterdir()) and not (output / _MARK).is_file():
        raise OutputError(
            f"{output} holds something else than a site", hint="name another --output, or empty the folder"
        )


def _replace(made: Path, output: Path) -> None:
    """Put a site where an earlier one may be."""
    earlier = made.with_name("earlier")
    if output.exists():
        output.replace(earlier)
    try:
        made.replace(output)
    except BaseException:
        with suppress(OSError):
            earlier.replace(output)
        raise
