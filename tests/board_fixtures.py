"""Boards of a few results in memory: what generators of pages are tested with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import markdown
from lxml.html import HtmlElement
from mkdocs.config import load_config

from complete_submission import system
from evidence_fixtures import changed, measured_kws, published_kws
from fakes import REPOSITORY
from tinybench.leaderboard.board import Board, Row
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.frame import frame
from tinybench.leaderboard.pages import Pages
from tinybench.leaderboard.rounds import Retired, Round, in_order
from tinybench.results.schema import DeviceRef, Engine, Metric, Mode, Result
from tinybench.submissions.layout import Place
from tinybench.submissions.system import System

SITE = "https://bench.example/"
HOSTILE = (
    "<script>alert(1)</script> \"' onload=x [a](javascript:b) **c** `d` {{ e }} {% f %} &lt; $&#^_~%\\{} ‮g"
)
"""What nobody should be able to make anything else of than this very text."""


def row(
    result: Result | None = None,
    place: str = "2026.1/acme/board-one",
    *,
    of_system: Any = None,
    **fields: Any,
) -> Row:
    """A result on a board, measured here if no other is given."""
    result = result or measured_kws()[0]
    parts = Place(*place.split("/"))
    described = system(result, **(of_system or {})) if isinstance(result.device, DeviceRef) else of_system
    values: dict[str, Any] = {
        "result": result,
        "place": parts,
        "system": System.model_validate(described),
        "tier": "published elsewhere" if result.source else "claimed",
        "findings": (),
        "document": result.to_json(),
        "evidence": (),
        "attestations": (),
    }
    return Row(**(values | fields))


def published_row(place: str = "mlperf-v1.2/example-vendor/example-board", **changes: Any) -> Row:
    """A result that was published elsewhere."""
    return row(changed(published_kws()[0], **changes), place, of_system={"organisation": "Example Vendor"})


def timed(
    latency_s: float,
    mode: Mode = "simulated",
    *,
    device: str = "board-one",
    core: str = "cortex-m4",
    engine: str = "tflm",
    place: str = "2026.1/acme/board-one",
) -> Row:
    """A result that is told from others by its latency, device, engine and place alone."""
    base = measured_kws()[0]
    assert isinstance(base.device, DeviceRef)
    metrics = tuple(metric for metric in base.metrics if metric.name.startswith("accuracy."))
    return row(
        changed(
            base,
            device=base.device.model_copy(update={"id": device, "core": core}),
            engine=Engine(name=engine, version="1", kernels=None, kernels_version=None, compiler=None),
            metrics=(*metrics, Metric.of("latency.per_inference", latency_s, mode)),
            windows=(),
        ),
        place,
    )


def board(rows: Iterable[Row], retired: tuple[Retired, ...] = ()) -> Board:
    """A board whose rounds are open."""
    ordered = sorted(rows, key=lambda row: row.id)
    names = {row.place.round for row in ordered}
    rounds = in_order(Round(name, name, None, "0" * 64) for name in names)
    return Board(tuple(ordered), tuple(rounds), retired)


def context(of: Board) -> Context:
    """What a generator is given."""
    return Context(of, frame(of), Pages(), SITE)


def html(pages: Pages, address: str) -> str:
    """The content of a generated page as the Markdown of the site makes it."""
    text = pages.files[f"{address}index.md"].decode()
    _, _, body = text.split("---\n", 2)
    config = load_config(str(REPOSITORY / "site" / "mkdocs.yml"))
    converter = markdown.Markdown(
        extensions=config.markdown_extensions, extension_configs=config.mdx_configs or {}
    )
    return converter.convert(body)


def select(element: HtmlElement, selector: str) -> list[HtmlElement]:
    """What is below an element, by a small part of CSS: ``table.name``, ``.name a``, ``#id``, ``a[rel]``."""
    path = ""
    for part in selector.split():
        found = re.fullmatch(r"([a-z][a-z0-9]*|\*)?(?:\.([\w-]+))?(?:#([\w-]+))?(?:\[([\w-]+)\])?", part)
        assert found is not None
        tag, class_, id_, attribute = found.groups()
        path += f"//{tag or '*'}"
        path += f"[contains(concat(' ', normalize-space(@class), ' '), ' {class_} ')]" if class_ else ""
        path += f"[@id = '{id_}']" if id_ else ""
        path += f"[@{attribute}]" if attribute else ""
    return element.xpath(f".{path}")


def text_of(element: HtmlElement, selector: str) -> str:
    """The text of the one element that a selector finds."""
    (found,) = select(element, selector)
    return " ".join(found.text_content().split())


def cells(element: HtmlElement, selector: str) -> list[list[str]]:
    """The text of each cell of a table, without its head."""
    (found,) = select(element, selector)
    return [
        [" ".join(cell.text_content().split()) for cell in line.xpath("./th | ./td")]
        for line in select(found, "tbody tr")
    ]
