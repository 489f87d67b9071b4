"""What a submission says is text on every page and in every file, whatever it says.

The site here is made of submissions that pass all checks, and of ones that do not: those are let through, so
that no page is harmless only because a check is strict.
"""

from __future__ import annotations

import csv
import io
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import feedparser
import pytest
from lxml import etree, html
from playwright.sync_api import Browser, Page

from browsing import Site, Visitor, serving_site
from fakes import REPOSITORY
from hostile_board import FORMULA, MARK, Hostile, write_hostile
from tinybench.cli import main
from tinybench.leaderboard import board

SHOWN_ON_RESULT_PAGES = (
    "organisation",
    "title",
    "licence",
    "tool.version",
    "model.name",
    "device.board",
    "device.chip",
    "device.core",
    "accelerator",
    "engine.name",
    "engine.version",
    "engine.kernels",
    "engine.kernels_version",
    "engine.compiler",
    "engine.flags",
    "data.dataset",
    "unavailable.reason",
    "result.notes",
    "runner",
    "window.input",
    "layer.operator",
    "layer.name",
    "environment.os",
    "source.attribution",
    "source.licence",
    "source.path",
    "source.original key",
    "source.original value",
)
LINKS = ("http://", "https://", "file://", "mailto:")


@dataclass(frozen=True)
class Attacked:
    """The site, and what is in the submissions that it shows."""

    folder: Path
    submissions: Path
    hostile: dict[str, Hostile]

    @property
    def results(self) -> dict[str, tuple[Path, Hostile]]:
        """Id of a result -> its file, and the texts of its submission."""
        found = {}
        for place, hostile in self.hostile.items():
            for path in sorted((self.submissions / place / "results").glob("*.json")):
                found[json.loads(path.read_bytes())["id"]] = (path, hostile)
        return found


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Attacked:
    submissions = tmp_path_factory.mktemp("hostile") / "submissions"
    hostile = write_hostile(submissions)
    folder = tmp_path_factory.mktemp("attacked") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(board, "_require_passed", lambda report: None)
        arguments = ["--root", REPOSITORY, "--submissions", submissions, "--output", folder]
        code = main(["site", "build", *map(str, arguments)])
    assert code == 0
    return Attacked(folder, submissions, hostile)


@pytest.fixture(scope="module")
def site(attacked: Attacked) -> Iterator[Site]:
    with serving_site(attacked.folder) as site:
        yield site


def generated(folder: Path) -> list[str]:
    """Addresses of all pages that a submission can be on."""
    pages = (path.relative_to(folder).as_posix() for path in folder.rglob("index.html"))
    hand_written = ("rules/", "decisions/", "tutorials/", "reference/")
    return sorted(page for page in pages if not page.startswith(hand_written))


def assert_unharmed(page: Page) -> None:
    """Nothing of a submission became a part of the page."""
    assert page.evaluate(f"() => window.{MARK}") is None
    found = page.evaluate(
        """() => {
            const all = [...document.querySelectorAll('*')];
            const count = test => all.filter(test).length;
            return {
                handlers: count(e => [...e.attributes].some(a => a.name.startsWith('on'))),
                images: document.querySelectorAll('img[src="x"], svg[onload], [autofocus]').length,
                scripts: count(e => e.localName == 'script' && !e.src && e.type != 'application/json'),
                emphasised: count(e => ['em', 'strong'].includes(e.localName) && e.textContent == 'tbem'),
                links: count(e => e.localName == 'a' && e.textContent == 'tblink'),
                entities: count(e => e.localName == 'tbentity'),
            };
        }"""
    )
    assert set(found.values()) == {0}, found
    addresses = page.evaluate(
        "() => [...document.querySelectorAll('a[href], area[href]')].map(e => e.href.baseVal ?? e.href)"
    )
    assert [address for address in addresses if not address.startswith(LINKS)] == []


def test_the_polite_ones_pass_the_checks(attacked: Attacked) -> None:
    from tinybench.submissions.check import check

    report = check(attacked.submissions, cache=False)
    severity = {verdict.place: verdict.severity for verdict in report.submissions}
    assert {place: severity[place] == "error" for place in severity} == {
        place: not hostile.polite for place, hostile in attacked.hostile.items()
    }


def test_every_page_shows_it_as_text(
    attacked: Attacked, site: Site, visitors: Callable[..., Visitor]
) -> None:
    pages = generated(attacked.folder)
    visitor = visitors(site)
    page = visitor.open()
    for address in pages:
        visitor.go(page, address)
        assert_unharmed(page)
    assert {address.split("/")[0] for address in pages} >= {
        "index.html",
        "leaderboard",
        "results",
        "systems",
        "organisations",
        "devices",
        "models",
        "tasks",
        "rounds",
    }


def test_a_result_page_shows_all_of_it(
    attacked: Attacked, site: Site, visitors: Callable[..., Visitor]
) -> None:
    visitor = visitors(site, java_script_enabled=False)
    page = visitor.open()
    for result_id, (path, hostile) in attacked.results.items():
        visitor.go(page, f"results/{result_id}/")
        shown = page.locator("body").inner_text() + page.locator("body").text_content()
        document = path.read_text()
        for field in SHOWN_ON_RESULT_PAGES:
            text = hostile.texts.get(field)
            # Of what was published elsewhere, the names are those of the source.
            if text is not None and (json.dumps(text, ensure_ascii=False) in document):
                assert text in shown, f"{field} on the page of {result_id}"


def test_what_is_downloaded_is_what_was_submitted(attacked: Attacked) -> None:
    for result_id, (path, _) in attacked.results.items():
        assert (attacked.folder / "results" / result_id / "result.json").read_bytes() == path.read_bytes()


def test_no_cell_of_a_download_is_a_formula(attacked: Attacked) -> None:
    tables = sorted(attacked.folder.rglob("*.csv"))
    assert attacked.folder / "data" / "results.csv" in tables
    texts = ""
    for table in tables:
        if "evidence" in table.parts:
            continue
        texts += table.read_text(encoding="utf-8-sig")
        for row in csv.reader(io.StringIO(table.read_text(encoding="utf-8-sig"))):
            for cell in row:
                assert not re.match(r"[=+@\t\r]|-(?!\d)", cell), f"{table.name}: {cell}"
    assert FORMULA[:5] in texts or "=1+1+" in texts


def test_the_feed_is_text(attacked: Attacked) -> None:
    data = (attacked.folder / "feed.xml").read_bytes()
    feed = feedparser.parse(data)
    assert not feed.bozo, feed.get("bozo_exception")
    assert len(feed.entries) == len(attacked.results)
    titles = " ".join(entry.title for entry in feed.entries)
    assert MARK in titles
    for element in etree.fromstring(data).iter():
        # A reader takes text for text; HTML is escaped once more, and harmless when it is taken for HTML.
        if element.get("type") in ("html", "xhtml"):
            inner = html.fragment_fromstring(element.text or "<p/>", create_parent="div")
            assert not inner.xpath("//script | //img | //@onload | //@onerror")
        for name, value in element.attrib.items():
            assert not (name in ("href", "src") and value.lower().startswith("javascript:"))


def test_figures_are_pictures(attacked: Attacked) -> None:
    figures = [path for path in attacked.folder.rglob("*.svg") if b"matplotlib" in path.read_bytes()]
    for path in figures:
        for element in etree.fromstring(path.read_bytes()).iter():
            assert not str(element.tag).endswith(("}script", "}foreignObject")), path.name
            for name, value in element.attrib.items():
                assert not name.lower().startswith("on"), path.name
                assert not value.lower().lstrip().startswith("javascript:"), path.name


def test_no_page_holds_a_script_or_a_style_of_its_own(attacked: Attacked) -> None:
    """What the policy would refuse is not there in the first place."""
    for address in generated(attacked.folder):
        tree = html.parse(attacked.folder / address)
        inline = "//script[not(@src) and not(@type='application/json')] | //style | //@style"
        assert tree.xpath(inline) == [], address
        assert tree.xpath("//@*[starts-with(name(), 'on')]") == [], address


def test_templates_are_not_evaluated(attacked: Attacked) -> None:
    """Texts hold {{7*7}} behind a single quote or a letter of ours; 49 would stand in its place."""
    for path in attacked.folder.rglob("index.html"):
        text = path.read_text()
        assert "x='49" not in text, path
        assert "x=&#39;49" not in text, path


@pytest.mark.parametrize(
    "address",
    [
        "leaderboard/?{name}={attack}",
        "leaderboard/?q={attack}",
        "leaderboard/?search={attack}",
        "leaderboard/#{attack}",
        "compare/?ids={attack}",
        "compare/?ids=r-0123456789abcdef,{attack}",
        "index.html?q={attack}",
    ],
)
def test_an_address_injects_nothing(site: Site, visitors: Callable[..., Visitor], address: str) -> None:
    attack = urllib.parse.quote(
        f"<img src=x onerror=window.{MARK}=1>\"'><script>window.{MARK}=1</script>", safe=""
    )
    visitor = visitors(site)
    names = ["task", "mode", "organisation", "engine", "core", "round"] if "{name}" in address else [""]
    for name in names:
        page = visitor.open(address.format(name=name, attack=attack))
        page.wait_for_load_state("networkidle")
        assert_unharmed(page)
        page.close()


def test_searching_finds_text(site: Site, visitors: Callable[..., Visitor]) -> None:
    page = visitors(site).open()
    said = page.locator(".md-search-result__meta")
    said.filter(has_text="Type to start").wait_for(state="attached")  # nothing is heard before
    box = page.get_by_role("textbox", name="Search").first
    if not box.is_visible():
        page.keyboard.press("/")
    box.press_sequentially("tbpwned onerror")  # keys: only those are heard
    said.filter(has_text=re.compile("match|No|found")).wait_for()
    assert_unharmed(page)
