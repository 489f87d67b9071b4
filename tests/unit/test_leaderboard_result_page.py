from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml
from lxml.html import HtmlElement, document_fromstring

from board_fixtures import (
    HOSTILE,
    SITE,
    board,
    cells,
    context,
    html,
    published_row,
    row,
    select,
    text_of,
    timed,
)
from evidence_fixtures import changed, measured_kws, with_metrics
from tinybench.leaderboard import addresses, result_page
from tinybench.leaderboard.board import EvidenceFile, Row
from tinybench.leaderboard.rounds import Retired
from tinybench.results.schema import (
    DeviceRef,
    Engine,
    Environment,
    HostRef,
    Instrument,
    Layer,
    Metric,
    Result,
    Unavailable,
)
from tinybench.submissions.verdict import Found


def page(one: Row, *others: Row) -> HtmlElement:
    made = context(board([one, *others]))
    result_page.write(made)
    return document_fromstring(html(made.pages, addresses.result(one.id)))


def test_figures_have_value_unit_mode_interval_and_note() -> None:
    result = changed(
        measured_kws()[0],
        metrics=(
            Metric.of("accuracy.top1", 0.92, "simulated", ci95=(0.91, 0.93)),
            Metric.of("latency.per_inference", 0.0123, "simulated", note="a note", interval95=(0.011, 0.014)),
            Metric.of("memory.ram", 20480, "simulated"),
        ),
        unavailable=(Unavailable(name="energy.per_inference", reason="no meter"),),
        windows=(),
    )
    shown = page(row(result))
    assert cells(shown, "table.tb-metrics") == [
        ["Top-1 accuracy", "92.0 %", "simulated",
         "91.0 % to 93.0 % (confidence: how far the samples decide it)", "0.92", ""],
        ["Latency per inference", "12.3 ms", "simulated",
         "11 ms to 14 ms (prediction: where hardware would be)", "0.0123 s", "a note"],
        ["RAM", "20.0 KiB", "simulated", "", "20480 bytes", ""],
    ]  # fmt: skip
    assert cells(shown, "table.tb-unavailable") == [["Energy per inference", "no meter"]]
    assert text_of(shown, "h1") == "Keyword spotting on Board One"
    assert "A result of tinybench, not of MLPerf." in text_of(shown, "header")


def test_layers_windows_environment_and_findings_are_there() -> None:
    layer = Layer(
        index=0, operator="CONV_2D", name="conv", cycles=1200, instructions=900, macs=4000, share=0.5
    )
    environment = Environment(python="CPython 3.11", os="Linux", machine="x86_64", packages={"numpy": "2.0"})
    result = changed(measured_kws()[0], layers=(layer,), environment=environment)
    found = Found(code="TB401", severity="warning", where="results/kws.json: metrics.1", message="too high")
    shown = page(row(result, findings=(found,)))
    assert cells(shown, "table.tb-layers") == [["0", "CONV_2D", "conv", "1,200", "50.0 %", "900", "4,000"]]
    assert len(cells(shown, "table.tb-windows")) == len(result.windows) > 0
    assert cells(shown, "table.tb-findings") == [
        ["TB401", "warning", "results/kws.json: metrics.1", "too high"]
    ]
    assert [link.get("href") for link in select(shown, ".tb-findings a")] == ["../../rules/TB401.html"]
    assert "numpy2.0" in shown.text_content()


def test_the_page_names_the_power_analyser_and_how_it_was_set() -> None:
    instrument = Instrument(
        kind="joulescope",
        title="Joulescope JS220",
        serial="002557",
        firmware=None,
        calibration="2024-05-01",
        rate_hz=1000,
        native_rate_hz=2e6,
        range="automatic, 1 nA to 3 A",
        voltage_v=1.8,
        voltage="measured",
        power_cycles=True,
        edges="GPI 0",
        synthetic=False,
        gate="edges",
    )
    shown = page(row(changed(measured_kws()[0], instrument=instrument))).text_content()
    for said in (
        "Joulescope JS220",
        "002557",
        "2024-05-01",
        "1,000 per second, means of 2,000,000 per second",
        "automatic, 1 nA to 3 A",
        "1.8 V, measured by it",
        "edges of the board's pin",
    ):
        assert said in shown
    unmetered = page(row(changed(measured_kws()[0], instrument=None))).text_content()
    assert "Power analyser" not in unmetered


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (with_metrics(measured_kws()[0], accuracy_top1=0.95), "at least 90.0 %. It is met."),
        (with_metrics(measured_kws()[0], accuracy_top1=0.85), "It is missed."),
        (with_metrics(measured_kws()[0], accuracy_top1=None), "Not decided: there is no accuracy."),
        (
            changed(measured_kws()[0], data=measured_kws()[0].data.model_copy(update={"limit": 10})),
            "not of a whole official split",
        ),
        (
            changed(measured_kws()[0], metrics=(Metric.of("accuracy.top1", 0.95, "predicted"),)),
            "the accuracy is predicted",
        ),
        (changed(measured_kws()[0], target=None), "defines no quality target"),
    ],
)
def test_the_quality_target_is_met_or_missed_or_it_says_why_not(result: Result, said: str) -> None:
    assert said in result_page.quality(row(result))


def test_what_was_published_elsewhere_says_so_first_and_whole() -> None:
    one = published_row()
    source = one.result.source
    assert source is not None
    shown = page(one)
    said = text_of(shown, ".tb-published")
    assert said.startswith("Published elsewhere: MLPerf™ Tiny v1.2, closed division.")
    assert "not a result of tinybench" in said
    assert source.attribution in said
    assert select(shown, "section a[rel]")[0].get("href") == source.repository


def test_evidence_is_copied_and_the_document_is_kept_byte_for_byte(tmp_path: Path) -> None:
    result, files = measured_kws()
    (tmp_path / "outputs.csv.gz").write_bytes(b"packed")
    one = row(
        result,
        document=b'{"as":  "submitted"}',
        evidence=(EvidenceFile("outputs.csv.gz", tmp_path / "outputs.csv.gz"),),
    )
    made = context(board([one]))
    result_page.write(made)
    made.pages.write(tmp_path / "site")
    folder = tmp_path / "site" / "results" / one.id
    assert (folder / "result.json").read_bytes() == one.document
    assert (folder / "evidence" / "outputs.csv.gz").read_bytes() == b"packed"
    shown = document_fromstring(html(made.pages, addresses.result(one.id)))
    lines = {line[0]: line[3] for line in cells(shown, "table.tb-evidence")}
    assert len(lines) == len(files)
    digest = next(item.sha256 for item in result.evidence if item.name == "outputs.csv")
    assert lines["outputs.csv.gz"] == digest
    assert "performance-log.txt (not kept here)" in lines


def test_the_address_survives_a_rename_of_title_and_organisation() -> None:
    before = row(of_system={"title": "Board", "organisation": "Acme"})
    after = row(
        of_system={"title": "Board II", "organisation": "Acme Holdings"}, place="2026.1/acme-holdings/b"
    )
    pages = []
    for one in (before, after):
        made = context(board([one]))
        result_page.write(made)
        pages.append({path for path in made.pages.files if path.startswith(f"results/{one.id}/")})
    assert pages[0] == pages[1] == {f"results/{before.id}/index.md", f"results/{before.id}/result.json"}


def test_a_retired_result_keeps_its_address_and_names_its_successor() -> None:
    one = row()
    gone = Retired(id="r-0123456789abcdef", date=date(2026, 5, 4), reason=HOSTILE, successor=one.id)
    made = context(board([one], (gone,)))
    result_page.write(made)
    shown = document_fromstring(html(made.pages, addresses.result(gone.id)))
    assert "retired on 2026-05-04" in shown.text_content()
    assert HOSTILE in shown.text_content()
    assert [link.get("href") for link in select(shown, "a")] == [f"../{one.id}/index.html"]


def test_comparisons_lead_to_the_other_result_and_to_both_side_by_side() -> None:
    one, other = timed(0.010), timed(0.020, engine="other")
    links = [link.get("href") for link in select(page(one, other), ".tb-compare a")]
    assert links == [f"../{other.id}/index.html", f"../../compare/index.html?ids={one.id},{other.id}"]


def test_bibtex_and_citation_can_be_copied() -> None:
    one = row()
    shown = page(one)
    assert {button.get("data-copy-from") for button in select(shown, "button")} == {"citation", "bibtex"}
    assert all(button.get("hidden") is not None for button in select(shown, "button"))
    assert select(shown, "#bibtex")[0].text_content().startswith(f"@misc{{tinybench-{one.id},")
    assert select(shown, "#permanent")[0].text_content() == f"{SITE}results/{one.id}/"


def test_an_accuracy_of_a_host_has_no_device() -> None:
    result = changed(
        measured_kws()[0],
        device=HostRef(),
        metrics=(Metric.of("accuracy.top1", 0.95, "predicted"),),
        windows=(),
    )
    described = {"title": "Host", "organisation": "Acme", "division": "closed", "licence": "x",
                 "engine": {"name": "litert"}}  # fmt: skip
    assert "none: computed on a host" in page(row(result, of_system=described)).text_content()


def hostile_row() -> Row:
    """Markup in every text that a submission has."""
    base = measured_kws()[0]
    assert isinstance(base.device, DeviceRef)
    layer = Layer(index=0, operator=HOSTILE, name=HOSTILE, cycles=1, instructions=1, macs=1, share=1)
    texts = {"board": HOSTILE, "chip": HOSTILE, "core": HOSTILE}
    engine = Engine(
        name=HOSTILE,
        version=HOSTILE,
        kernels=HOSTILE,
        kernels_version=HOSTILE,
        compiler=HOSTILE,
        flags=(HOSTILE, "```", "# heading"),
    )
    source = published_row().result.source
    assert source is not None
    result = changed(
        base,
        device=base.device.model_copy(update=texts),
        engine=engine,
        model=base.model.model_copy(update={"name": HOSTILE}),
        data=base.data.model_copy(update={"dataset": HOSTILE}),
        runner=HOSTILE,
        instrument=Instrument(
            kind=HOSTILE,
            title=HOSTILE,
            serial=HOSTILE,
            firmware=HOSTILE,
            calibration=HOSTILE,
            rate_hz=1000,
            native_rate_hz=1000,
            range=HOSTILE,
            voltage_v=None,
            voltage="stated",
            power_cycles=False,
            edges=HOSTILE,
            synthetic=False,
            gate="timestamps",
        ),
        metrics=(
            Metric.of("latency.per_inference", 0.01, "measured", note=f"\n\n{HOSTILE}\n\n</div>\n\n# x"),
        ),
        unavailable=(Unavailable(name="accuracy.top1", reason=HOSTILE),),
        windows=(),
        layers=(layer,),
        notes=(HOSTILE, f"\n\n```\n{HOSTILE}\n```\n\n# x\n"),
        environment=Environment(python=HOSTILE, os=HOSTILE, machine=HOSTILE, packages={HOSTILE: HOSTILE}),
        source=source.model_copy(
            update={
                "organisation": HOSTILE,
                "system": HOSTILE,
                "repository": 'https://x.example/"onmouseover="alert(1)',
                "path": HOSTILE,
                "licence": HOSTILE,
                "attribution": HOSTILE,
                "original": {HOSTILE: HOSTILE},
            }
        ),
    )
    found = Found(code="TB401", severity="note", where=HOSTILE, message=HOSTILE)
    named = {"title": HOSTILE[:90], "organisation": HOSTILE[:90], "licence": HOSTILE[:90]}
    return row(result, "mlperf-v1.2/example/board", of_system=named, findings=(found,))


def test_a_hostile_submission_shows_as_text() -> None:
    shown = page(hostile_row())
    for never in ("script", "iframe", "em", "strong a", "*[onload]", "*[onmouseover]"):
        assert select(shown, never) == []
    assert all("javascript:" not in (link.get("href") or "") for link in select(shown, "a"))
    assert [element.tag for element in shown.xpath("/html/body/*")] == ["div"]
    assert len(select(shown, "h1")) == 1
    assert shown.text_content().count(" ".join(HOSTILE.split())) >= 30
    one = hostile_row()
    made = context(board([one]))
    result_page.write(made)
    front = made.pages.files[f"results/{one.id}/index.md"].decode().split("---\n")[1]
    shown_by_the_theme = yaml.safe_load(front)
    assert "<" not in shown_by_the_theme["title"] + shown_by_the_theme["description"]


def test_the_same_board_gives_the_same_bytes() -> None:
    rows = [row(), published_row(), timed(0.01), timed(0.02, engine="other")]
    made = [context(board(order)) for order in (rows, rows[::-1])]
    for each in made:
        result_page.write(each)
    assert made[0].pages.files == made[1].pages.files
