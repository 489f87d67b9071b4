"""Reports: the same bytes every time, and nothing that a submitter wrote is taken for markup."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.submissions.report import MAX_MARKDOWN, Report, code, rows, to_markdown
from tinybench.submissions.rules.identity import SYSTEM_DISAGREES, UNNAMED
from tinybench.submissions.verdict import MAX_MESSAGE, Figure, Found, Outcome, Verdict

HOSTILE = [
    "<script>alert(1)</script>",
    "![x](https://example.org/track.png)",
    "[click](javascript:alert(1))",
    "@everyone @acme/maintainers",
    "#1 GH-1 acme/repo#1",
    "https://example.org www.example.org me@example.org",
    "`</code>` `` ``` ````",
    "| a | b |\n|---|---|",
    "line\nbreak\r\n## Heading\n- [ ] task",
    "\u202etxt.exe\u200b\u2028",
    "a" * 100_000,
    "**bold** _em_ ~~no~~ $x$ :tada: &lt;b&gt; &#64;user",
    "\x1b[31mred\x07",
    "",
    "   ",
    "\ud800",
]


def verdict(*texts: str, place: str = "2026.1/acme/one") -> Verdict:
    """A submission whose every text is hostile."""
    text = texts[0] if texts else "x"
    outcome = Outcome(
        where=text,
        id="r-0123456789abcdef",
        task=text,
        model=text,
        device=text,
        clock_hz=1,
        engine=text,
        runner=text,
        published=False,
        publishable=True,
        tier="claimed",
        figures=(Figure(name="latency.per_inference", value=0.1, mode="measured"),),
        evidence=(),
    )
    found = tuple(Found.of(SYSTEM_DISAGREES.found(text, text)) for text in texts)
    return Verdict(
        place=place,
        title=text,
        organisation=text,
        division="closed",
        digest=None,
        results=(outcome,),
        findings=found,
    )


def outside_code(markdown: str) -> str:
    """What is left of Markdown without its code spans."""
    return re.sub(r"`[^`\n]*`", "", markdown)


SAFE = re.compile(r"(?:[A-Za-z0-9 .,:;'()%µ/_*#\-\n]|</?(?:details|summary)>)*")


def no_markup(markdown: str) -> None:
    rest = outside_code(markdown)
    assert "`" not in rest, "no code span is left open"
    assert SAFE.fullmatch(rest), re.sub(SAFE, "", rest)[:100]
    # Underscores and stars are of this program, and begin nothing else than bold words and lists.
    assert not re.search(r"https?:|www\.|@|\]\(|(?<![\w*])#\d", rest)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    report = Report.of([Found.of(UNNAMED.found(text, text))], [verdict(text)], rerun=False)
    markdown = to_markdown(report)
    no_markup(markdown)
    assert len(markdown) < MAX_MARKDOWN
    assert markdown.replace("\n", "").isprintable()
    json.loads(report.to_json().decode("ascii"))


@given(text=st.text(max_size=200))
def test_any_text_is_one_code_span(text: str) -> None:
    shown = code(text)
    assert re.fullmatch(r"`[^`\n|]+`", shown)
    assert shown.isprintable()


@given(texts=st.lists(st.text(max_size=60), max_size=8))
def test_any_report_is_free_of_markup(texts: list[str]) -> None:
    no_markup(to_markdown(Report.of([], [verdict(*texts)], rerun=True)))


def test_what_does_not_fit_is_counted() -> None:
    many = [
        verdict(*(f"{number} {'x' * 400}" for number in range(20)), place=f"2026.1/a/{i}") for i in range(50)
    ]
    report = Report.of([], many, rerun=False)
    markdown = to_markdown(report)
    assert 50_000 < len(markdown) < MAX_MARKDOWN
    left_out = re.search(r"and ([0-9,]+) more lines", markdown)
    assert left_out is not None
    shown = markdown.count("**error TB106** in")
    headings = markdown.count("\n### ")
    # For each submission: a heading, a result, an empty line, and its findings.
    assert 50 * 23 - int(left_out[1].replace(",", "")) >= shown + headings
    assert "1,000 errors" in markdown
    assert "What to do" in markdown, "what comes last is there, too"


def test_what_failed_comes_first() -> None:
    good, bad = verdict(place="2026.1/a/a"), verdict("x", place="2026.1/b/b")
    markdown = to_markdown(Report.of([], [good, bad], rerun=True))
    assert markdown.index("2026.1/b/b") < markdown.index("2026.1/a/a")
    assert "`2026.1/b/b`: failed" in markdown
    assert "`2026.1/a/a`: passed" in markdown


def test_a_message_has_an_end() -> None:
    found = Found.of(UNNAMED.found("w" * 10_000, "m" * 10_000))
    assert len(found.where) == len(found.message) == MAX_MESSAGE


def test_a_report_can_be_read_back() -> None:
    report = Report.of([Found.of(UNNAMED.found("a", "b"))], [verdict("x"), verdict()], rerun=True)
    assert Report.model_validate_json(report.to_json()) == report
    assert not report.passed
    assert report.counts.error == 2
    assert {row.code for row in rows(report)} == {"TB106", "TB110"}
    assert [row.place for row in rows(report)] == ["", "2026.1/acme/one"]


def test_nothing_to_say_is_said() -> None:
    markdown = to_markdown(Report.of([], [], rerun=False))
    assert markdown.startswith("## Submission check: passed\n\n0 submissions, 0 results: 0 errors")
