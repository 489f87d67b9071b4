from __future__ import annotations

import bibtexparser
import pytest
from bibtexparser.library import Library
from hypothesis import given, settings
from hypothesis import strategies as st

from board_fixtures import HOSTILE, SITE, published_row, row
from evidence_fixtures import changed, measured_kws, published_kws
from tinybench.leaderboard import citation
from tinybench.results.schema import Engine, ModelRef


def parsed(text: str) -> dict[str, str]:
    library: Library = bibtexparser.parse_string(text)
    assert library.failed_blocks == []
    (entry,) = library.entries
    assert entry.entry_type == "misc"
    return {"key": entry.key, **{field.key: field.value for field in entry.fields}}


def test_a_result_of_ones_own_is_cited_with_its_mode_and_its_permanent_address() -> None:
    one = row()
    assert citation.bibtex(one, SITE) == (
        f"@misc{{tinybench-{one.id},\n"
        "  author = {{Acme}},\n"
        "  title = {{Keyword spotting on Board One: kws with tflm 1.0, CMSIS-NN 4.0.0}},\n"
        "  year = {{2026}},\n"
        "  howpublished = {{tinybench leaderboard, round 2026.1}},\n"
        f"  note = {{{{result {one.id}. Figures are measured}}}},\n"
        f"  url = {{https://bench.example/results/{one.id}/}}\n"
        "}\n"
    )
    assert f"https://bench.example/results/{one.id}/" in citation.text(one, SITE)
    assert "Figures are measured" in citation.text(one, SITE)


def test_what_was_published_elsewhere_is_cited_as_that_with_its_attribution_whole() -> None:
    one = published_row()
    source = one.result.source
    assert source is not None
    fields = parsed(citation.bibtex(one, SITE))
    assert fields["author"] == "{Example Vendor}"
    assert fields["title"].startswith(r"{MLPerf\texttrademark{} Tiny v1.2, closed division")
    assert source.attribution in fields["annote"]
    assert "Found through tinybench" in fields["note"]
    assert "year" not in fields  # the source has none, and that of the import is not that of the publication
    assert citation.text(one, SITE).startswith(source.attribution)


def test_the_key_and_the_address_survive_a_rename_of_title_and_organisation() -> None:
    before = row(of_system={"title": "Board", "organisation": "Acme"})
    after = row(of_system={"title": "Board II", "organisation": "Acme Holdings"})
    one, other = (parsed(citation.bibtex(each, SITE)) for each in (before, after))
    assert one["author"] != other["author"]
    assert (one["key"], one["url"]) == (other["key"], other["url"])


def test_braces_backslashes_and_line_ends_cannot_end_a_field() -> None:
    hostile = changed(
        measured_kws()[0],
        model=ModelRef(name="}\n@misc{other,\n", sha256=None, macs=None, parameters=None),
        engine=Engine(
            name=HOSTILE, version="\\", kernels=None, kernels_version=None, compiler=None, flags=("x",)
        ),
    )
    fields = parsed(citation.bibtex(row(hostile, of_system={"title": "{", "organisation": "a} b"}), SITE))
    assert fields["author"] == r"{a\textbraceright{} b}"
    assert "\n" not in fields["title"]


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
@settings(max_examples=200)
def test_every_name_gives_one_entry_that_parses(organisation: str, model: str) -> None:
    published = published_kws()[0]
    assert published.source is not None
    source = published.source.model_copy(update={"organisation": organisation, "attribution": model})
    for one in (
        row(changed(measured_kws()[0], model=ModelRef(name=model, sha256=None, macs=None, parameters=None))),
        row(changed(published, source=source), "mlperf-v1.2/example/board"),
    ):
        assert parsed(citation.bibtex(one, SITE))["key"] == f"tinybench-{one.id}"


@pytest.mark.parametrize(
    ("text", "latex"),
    [("50% of R&D_1", r"50\% of R\&D\_1"), ("a^b~c", r"a\textasciicircum{}b\textasciitilde{}c")],
)
def test_texts_are_escaped_for_latex(text: str, latex: str) -> None:
    assert parsed(citation.bibtex(row(of_system={"organisation": text}), SITE))["author"] == f"{{{latex}}}"
