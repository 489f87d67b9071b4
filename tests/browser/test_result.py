"""The page of a result: what is cited, copied and downloaded from it is what was submitted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import bibtexparser
import pytest
from playwright.sync_api import expect

from browsing import Site, Visit, Visitor
from fakes import REPOSITORY
from main_pages import result_ids


def submitted(result_id: str) -> Path:
    """The file in submissions/."""
    (found,) = (
        path
        for path in (REPOSITORY / "submissions").glob("*/*/*/results/*.json")
        if json.loads(path.read_bytes())["id"] == result_id
    )
    return found


def clipboard(visit: Visit, button: str) -> str:
    """What a button of the page of the first result copies."""
    page = visit(f"results/{result_ids()[0]}/", permissions=["clipboard-read", "clipboard-write"])
    page.locator(f"button[data-copy-from={button}]").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    return page.evaluate("() => navigator.clipboard.readText()")


def test_its_bibtex_is_copied_and_parses(visit: Visit) -> None:
    text = clipboard(visit, "bibtex")
    library = bibtexparser.parse_string(text)
    assert library.failed_blocks == []
    (entry,) = library.entries
    fields = entry.fields_dict
    assert result_ids()[0] in fields["url"].value
    assert fields["url"].value.startswith("https://")
    document = json.loads(submitted(result_ids()[0]).read_bytes())
    assert document["source"]["organisation"] in fields["author"].value


def test_its_citation_text_is_copied(visit: Visit) -> None:
    text = clipboard(visit, "citation")
    document = json.loads(submitted(result_ids()[0]).read_bytes())
    for part in (document["source"]["organisation"], document["source"]["system"], document["id"]):
        assert part in text


def test_nothing_is_copied_without_permission_but_it_is_selected(visit: Visit) -> None:
    page = visit(f"results/{result_ids()[0]}/")
    page.evaluate("() => navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))")
    page.locator("button[data-copy-from=bibtex]").click()
    expect(page.locator("button[data-copy-from=bibtex]")).to_contain_text("Selected")
    assert page.evaluate("() => String(getSelection())").strip().startswith("@")


def test_its_json_is_the_file_that_was_submitted(visit: Visit, tmp_path: Path) -> None:
    for result_id in result_ids()[:2]:
        page = visit(f"results/{result_id}/")
        link = page.get_by_role("link", name="JSON").first
        response = page.context.request.get(link.evaluate("link => link.href"))
        assert response.body() == submitted(result_id).read_bytes()


@pytest.mark.parametrize("site", ["served", "on_disk"])
def test_its_json_opens(
    visitors: Callable[..., Visitor], site: str, request: pytest.FixtureRequest, built_site: Path
) -> None:
    where: Site = request.getfixturevalue(site)
    page = visitors(where).open(f"results/{result_ids()[0]}/")
    page.locator("a[href='result.json']").first.evaluate("link => link.removeAttribute('download')")
    page.locator("a[href='result.json']").first.click()
    page.wait_for_url("**/result.json")
    assert json.loads(page.locator("body").inner_text())["id"] == result_ids()[0]


def test_it_says_whose_figures_they_are(visit: Visit) -> None:
    page = visit(f"results/{result_ids()[0]}/")
    document = json.loads(submitted(result_ids()[0]).read_bytes())
    shown = page.locator(".tb-result")
    expect(shown).to_have_attribute("data-result-id", document["id"])
    expect(shown).to_contain_text(document["source"]["attribution"])
    expect(shown.locator(".tb-mode").first).to_have_text("measured")
    expect(shown.locator(".tb-tier").first).to_have_text("published elsewhere")


def test_its_permanent_address_leads_to_it(visit: Visit, served: Site) -> None:
    """As others link to it: without the name of the file."""
    page = visit(f"results/{result_ids()[0]}/")
    permanent = page.locator("link[rel=canonical]").get_attribute("href")
    assert permanent is not None
    assert permanent.endswith(f"/results/{result_ids()[0]}/")
    text = clipboard(visit, "bibtex")
    assert permanent in text


def test_it_leads_to_a_comparison(visit: Visit) -> None:
    page = visit(f"results/{result_ids()[0]}/")
    page.locator("a[href*='compare/']").first.click()
    page.wait_for_url("**/compare/index.html?ids=*")
    assert result_ids()[0] in page.url
