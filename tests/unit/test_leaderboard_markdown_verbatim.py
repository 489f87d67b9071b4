"""Generated HTML goes through Markdown as it is."""

from __future__ import annotations

import pytest

markdown = pytest.importorskip("markdown")

from tinybench.leaderboard.markdown_verbatim import MARK  # noqa: E402

HTML = """<div class="tb-page">

# no heading, *no emphasis*, `no code`, [no link](x)

    no code either
<p>a &amp; b</p>
</div>
<div>another</div>"""


def convert(text: str) -> str:
    extensions = ["tables", "toc", "pymdownx.superfences", "tinybench.leaderboard.markdown_verbatim"]
    return str(markdown.markdown(text, extensions=extensions))


def test_a_page_of_html_comes_out_as_it_is() -> None:
    assert convert(f"\n{MARK}\n{HTML}\n") == HTML


def test_every_other_page_is_markdown() -> None:
    assert "<em>emphasis</em>" in convert("*emphasis*")
    # Only the first line says it: nothing within a page does.
    assert "<em>emphasis</em>" in convert(f"A text.\n\n{MARK}\n\n*emphasis*")
    assert convert("") == ""


def test_no_text_is_taken_for_what_was_put_aside() -> None:
    """Markdown marks it with control characters, which it removes from what it reads."""
    assert "\x02" not in convert(f"{MARK}\n<div>\x02wzxhzdk:0\x03</div>")
