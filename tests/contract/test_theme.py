"""The theme of the site: what it overrides of Material, and what it must not hold."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

material = pytest.importorskip("material")

ORIGINALS = Path(material.__file__).parent / "templates"
SITE = Path(__file__).parents[2] / "site"
THEME = SITE / "theme"

FOLLOWED = {
    "base.html": "8536d352b0093623df9e0032894f321cbe264b15a9b48cdd962583772455dadb",
    "404.html": "80c93494b5432b1bcdf292caeb67a0653c45b37372f49e08ad4a70ca695a7495",
    "partials/nav-item.html": "89895208f22d68ce405a4bcb6649b9150eba5bbb04663a6cb3f93f02daf1d2f7",
    "partials/search.html": "bfd556535abcddb99396ab2a7e3acc2ebcd3f36756007d3969396caa4126be30",
    "partials/toc.html": "fde48f583563364b0e0e6865a5ab1e7060ec1826161f69f5cbee653e621b0f84",
    "partials/javascripts/base.html": "d6113712bc4deb30b4bd810ee0dfc28b6f04d2f88cc0016c0f1766eac7b762b6",
    "partials/javascripts/content.html": "3722e156f0f6339de39fbbfc178b6e401d1a4fb890f189ac5b80c2504bda7dcf",
    "partials/javascripts/palette.html": "8790389765ea6036effddba548b15093bb05bdc75624eaeaf8b13f3c24be4ab5",
}
"""Templates that ours override or put right -> SHA-256 of what ours were written for."""


@pytest.mark.parametrize("name", FOLLOWED)
def test_the_originals_are_those_that_ours_were_written_for(name: str) -> None:
    """If not: compare the original with ours in site/theme and assets/theme, then renew the hash."""
    assert hashlib.sha256((ORIGINALS / name).read_bytes()).hexdigest() == FOLLOWED[name]


def test_nothing_else_is_overridden() -> None:
    ours = {str(path.relative_to(THEME)) for path in THEME.rglob("*.html")}
    overridden = {name for name in ours if (ORIGINALS / name).exists()} - {"main.html"}
    assert overridden <= FOLLOWED.keys()


@pytest.mark.parametrize("path", sorted(THEME.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_has_scripts_or_styles_in_the_page(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text)


@pytest.mark.parametrize("path", sorted((SITE / "docs" / "assets").rglob("*.js")), ids=lambda path: path.name)
def test_scripts_need_no_server_and_nothing_that_the_policy_forbids(path: Path) -> None:
    text = path.read_text()
    assert not re.search(
        r"\bfetch\(|XMLHttpRequest|\beval\(|new Function|innerHTML|outerHTML|^\s*(import|export)\b",
        text,
        re.MULTILINE,
    )
    assert "http://" not in text
    assert "https://" not in text
