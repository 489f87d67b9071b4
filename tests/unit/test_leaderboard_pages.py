"""Generated pages: every text is a text, wherever it comes from."""

from __future__ import annotations

import jinja2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tinybench.leaderboard import pages
from tinybench.leaderboard.pages import Pages

HOSTILE = '"><script>alert(1)</script>\n---\n{{ 7*7 }} [x](javascript:alert(1))'


def front_matter(page: bytes) -> tuple[dict[str, object], str]:
    _, head, body = page.decode().split("---\n", 2)
    return yaml.safe_load(head), body


@pytest.fixture
def template(monkeypatch: pytest.MonkeyPatch) -> None:
    made = jinja2.Environment(
        loader=jinja2.DictLoader(
            {"page.html.j2": '<p>{{ text }}</p><a href="{{ link("tasks/kws/") }}">kws</a>'}
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    monkeypatch.setattr(pages, "environment", lambda: made)


@pytest.mark.usefixtures("template")
def test_a_page_is_escaped_everywhere() -> None:
    made = Pages()
    made.add("results/r-1/", HOSTILE, "page", description=HOSTILE, text=HOSTILE)
    front, body = front_matter(made.files["results/r-1/index.md"])
    for text in (str(front["title"]), str(front["description"]), body.partition("<a")[0]):
        assert "<script" not in text
        assert "&lt;script&gt;" in text
    assert "\n" not in str(front["title"])
    assert 'href="../../tasks/kws/index.html"' in body


@pytest.mark.usefixtures("template")
def test_a_page_says_how_it_is_shown() -> None:
    made = Pages()
    made.add("", "Home", "page", theme=None, text="")
    made.add("results/r-1/", "One", "page", search=False, text="")
    assert front_matter(made.files["index.md"])[0] == {"title": "Home"}
    assert front_matter(made.files["results/r-1/index.md"])[0] == {
        "title": "One",
        "template": "result.html",
        "search": {"exclude": True},
    }


@pytest.mark.usefixtures("template")
def test_a_template_that_misses_a_value_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        Pages().add("", "Home", "page")


@given(st.text())
def test_any_title_is_a_line_of_text(title: str) -> None:
    line = pages._line(title)
    assert yaml.safe_load(yaml.safe_dump({"title": line})) == {"title": line}
    assert not set(line) & set('<>"\n')


def test_one_address_has_one_page() -> None:
    made = Pages()
    made.file("a.md", b"")
    with pytest.raises(ValueError, match="twice"):
        made.file("a.md", b"")
