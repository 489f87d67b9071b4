"""The pages of systems, organisations, devices, models, tasks and rounds, and their lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from lxml.html import HtmlElement, document_fromstring

from board_fixtures import HOSTILE, board, cells, context, html, published_row, row, select, text_of, timed
from evidence_fixtures import changed, measured_kws
from tinybench import specs
from tinybench.leaderboard import (
    addresses,
    device_page,
    home,
    model_page,
    organisation_page,
    result_page,
    round_page,
    system_page,
    task_page,
)
from tinybench.leaderboard.board import Board, Row
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.rounds import Closed, Round
from tinybench.results.schema import DeviceRef, ModelRef
from tinybench.submissions.importing.mlperf import LEGEND

WRITERS = {
    addresses.SYSTEMS: system_page.write,
    addresses.ORGANISATIONS: organisation_page.write,
    addresses.DEVICES: device_page.write,
    addresses.MODELS: model_page.write,
    addresses.TASKS: task_page.write,
    addresses.ROUNDS: round_page.write,
}


def shown(of: Context, address: str) -> HtmlElement:
    return document_fromstring(html(of.pages, address))


def made(write: Callable[[Context], None], *rows: Row) -> Context:
    of = context(board(rows))
    write(of)
    return of


def items(of: Context, address: str) -> dict[str, list[str]]:
    return {line[0]: line[1:] for line in cells(shown(of, address), "table.tb-list")}


def on_device(device_id: str, **device: object) -> Row:
    base = measured_kws()[0]
    assert isinstance(base.device, DeviceRef)
    return row(changed(base, device=base.device.model_copy(update={"id": device_id, **device})))


def test_a_system_shows_what_it_is_its_results_and_its_other_rounds() -> None:
    one, earlier = row(), timed(0.01, place="2025.2/acme/board-one")
    of = made(system_page.write, one, earlier)
    page = shown(of, addresses.system(one.place))
    facts = text_of(page, "dl.tb-facts")
    for said in ("Acme", "2026.1", "closed", "tflm 1.0", "CMSIS-NN 4.0.0", "bench@acme.example", "CC-BY-4.0"):
        assert said in facts
    assert addresses.link(addresses.system(one.place), addresses.result(one.id)) in html(
        of.pages, addresses.system(one.place)
    )
    hrefs = [link.get("href") for link in select(page, "a")]
    assert "../../../2025.2/acme/board-one/index.html" in hrefs
    assert cells(shown(of, addresses.SYSTEMS), "table.tb-list")[0][:3] == ["Board One", "Acme", "2026.1"]


def test_an_organisation_is_called_as_in_its_newest_round_at_an_address_that_stays() -> None:
    old = timed(0.01, place="2025.1/acme/board-one")
    new = row(of_system={"organisation": "ACME Group"})
    of = made(organisation_page.write, old, new)
    page = shown(of, "organisations/acme/")
    assert text_of(page, "h1") == "ACME Group"
    assert "Also spelled Acme." in page.text_content()
    assert items(of, addresses.ORGANISATIONS) == {
        "ACME Group": ["2", "2026.1, 2025.1", "1 measured, 1 simulated"]
    }


def test_a_device_is_joined_with_its_profile() -> None:
    one = on_device("nucleo-l4r5zi", board="NUCLEO-L4R5ZI", chip="STM32L4R5ZI")
    of = made(device_page.write, one, on_device("unknown-board", board="Unknown Board", core="riscv"))
    page = shown(of, "devices/nucleo-l4r5zi/")
    profile = specs.device("nucleo-l4r5zi")
    constants = {line[0]: line[1:] for line in cells(page, "table.tb-profile")}
    assert constants["Clock"] == ["120 MHz", profile.clock_hz.source]
    assert constants["Flash"][0] == "2.0 MiB at 0x08000000"
    assert constants["Current per clock"][0] == "110 µA/MHz"
    assert "tinybench run kws --runner tflm-sim --device nucleo-l4r5zi" in page.text_content()
    other = shown(of, "devices/unknown-board/")
    assert text_of(other, "h1") == "Unknown Board"
    assert select(other, "table.tb-profile") == []
    listed = items(of, addresses.DEVICES)
    assert listed[profile.title] == ["STM32L4R5ZI", "cortex-m4", "yes", "1 measured"]
    assert listed["Unknown Board"][1:] == ["riscv", "no", "1 measured"]
    pages = {path.split("/")[1] for path in of.pages.files}
    assert all((name in pages) != device.emulated for name, device in specs.devices().items())


def test_lists_are_in_the_order_of_what_they_show() -> None:
    of = made(device_page.write, on_device("z-1", board="alpha"), on_device("a-2", board="Zeta"))
    names = [line[0].casefold() for line in cells(shown(of, addresses.DEVICES), "table.tb-list")]
    assert names == sorted(names)
    assert {"alpha", "zeta"} <= set(names)


@pytest.mark.parametrize("device_id", sorted(specs.devices()))
def test_every_constant_of_a_profile_has_a_value_and_a_source(device_id: str) -> None:
    profile = specs.device(device_id)
    found = list(device_page.constants(profile))
    assert len(found) >= (6 if profile.flash_timing else 3)
    assert all(value and source for _, value, source in found)


def test_a_model_is_known_by_its_hash_and_not_by_its_name() -> None:
    spec = specs.model("mlperf-kws")
    known = ModelRef(name="kws_ref_model", sha256=spec.sha256, macs=None, parameters=None)
    unknown = ModelRef(name="mlperf-kws", sha256=None, macs=None, parameters=None)
    rows = [row(changed(measured_kws()[0], model=model)) for model in (known, unknown)]
    of = made(model_page.write, *rows)
    page = shown(of, addresses.model("kws_ref_model", spec.sha256))
    assert f"{spec.macs:,}" in page.text_content()
    assert spec.provenance.data in page.text_content()
    assert "not stated" in shown(of, addresses.model("mlperf-kws", None)).text_content()
    assert items(of, addresses.MODELS)["kws_ref_model"][2:] == ["fetched", "1 measured"]
    for one in specs.models().values():
        assert f"{addresses.model(one.id, one.sha256)}index.md" in of.pages.files


def test_a_task_has_its_target_data_set_and_licence() -> None:
    of = made(task_page.write, row(), timed(0.01))
    page = shown(of, "tasks/kws/")
    spec = specs.task("kws")
    for said in (
        spec.dataset.title,
        spec.dataset.license,
        "Top-1 accuracy of at least 90.0 %",
        "49 × 10 × 1",
    ):
        assert said in page.text_content()
    assert items(of, addresses.TASKS)["Keyword spotting"][-1] == "1 measured, 1 simulated"
    assert items(of, addresses.TASKS)["Image classification"][-1] == "none yet"


def test_a_task_that_only_a_publication_names_has_a_page() -> None:
    base = published_row().result
    one = published_row(task=base.task.model_copy(update={"id": "sww", "version": None}), target=None)
    of = made(task_page.write, one)
    assert "does not define" in shown(of, "tasks/sww/").text_content()
    assert text_of(shown(of, "tasks/sww/"), "h1") == "Streaming wake word"


def test_a_closed_round_says_that_its_digest_was_checked() -> None:
    closed = Closed(
        round="2026.1", title="First round", date=date(2026, 6, 1), sha256="a" * 64, errata=("x was y",)
    )
    rows = (row(),)
    of = context(Board(rows, (Round("2026.1", "First round", closed, "a" * 64),), ()))
    round_page.write(of)
    page = shown(of, "rounds/2026.1/")
    assert text_of(page, "h1") == "First round"
    assert "closed here on 2026-06-01" in page.text_content()
    assert "computed again when this site was built, and equals" in page.text_content()
    assert "x was y" in page.text_content()
    assert items(of, addresses.ROUNDS)["2026.1"][1] == "closed here on 2026-06-01"


def test_a_round_with_many_results_leads_to_all_of_them_in_the_leaderboard() -> None:
    rows = [timed(0.001 * number) for number in range(1, 502)]
    page = shown(made(round_page.write, *rows), "rounds/2026.1/")
    links = [link.get("href") for link in select(page, ".tb-note a")]
    assert "../../leaderboard/index.html?round=2026.1&mode=all" in links


def test_an_open_round_says_that_it_may_change() -> None:
    page = shown(made(round_page.write, row()), "rounds/2026.1/")
    assert "open: results may come, and may change" in page.text_content()
    assert "computed again" not in page.text_content()


@pytest.mark.parametrize("address", WRITERS)
def test_what_was_published_elsewhere_is_marked_on_every_page_with_the_legend(address: str) -> None:
    one = published_row()
    of = made(WRITERS[address], one, row())
    pages = [path.removesuffix("index.md") for path in of.pages.files]
    marked = [page for page in pages if one.id in of.pages.files[f"{page}index.md"].decode()]
    assert marked
    for page in [*marked, address]:
        assert LEGEND in text_of(shown(of, page), ".tb-published")
        assert "not an official comparison" in text_of(shown(of, page), ".tb-published")


def test_home_counts_what_is_there_by_mode_and_shows_the_newest() -> None:
    rows = [row(), published_row(), timed(0.01), timed(0.02)]
    page = shown(made(home.write, *rows), "")
    assert cells(page, "table.tb-counts") == [
        ["measured", "with tinybench", "1", "1", "1", "1"],
        ["measured", "published elsewhere: MLPerf™ Tiny", "1", "1", "1", "1"],
        ["simulated", "with tinybench", "2", "1", "1", "1"],
    ]
    newest = cells(page, "table.tb-newest")
    assert [line[1:4] for line in newest] == [
        ["Board One", "Acme", "2026.1"],
        ["EXAMPLE-BOARD", "Example Vendor", "mlperf-v1.2"],
    ]
    assert sorted(newest[0][5].split(", ")) == ["kws 10 ms", "kws 20 ms", "kws 43.2 ms"]
    assert set(newest[0][6].split()) == {"measured", "simulated"}
    assert "tinybench run kws --runner tflm-sim" in text_of(page, "pre")
    assert LEGEND in text_of(page, ".tb-published")


def test_an_empty_board_has_pages_too() -> None:
    for write in (*WRITERS.values(), home.write, result_page.write):
        made(write)


@pytest.mark.parametrize("address", WRITERS)
def test_hostile_texts_are_text_and_the_bytes_are_the_same_each_time(address: str) -> None:
    base = measured_kws()[0]
    assert isinstance(base.device, DeviceRef)
    texts = {"board": HOSTILE, "chip": HOSTILE, "core": HOSTILE}
    hostile = changed(
        base,
        device=base.device.model_copy(update=texts),
        model=base.model.model_copy(update={"name": HOSTILE}),
        engine=base.engine.model_copy(update={"name": HOSTILE, "flags": (HOSTILE,)}),
    )
    named = {
        "title": HOSTILE,
        "organisation": HOSTILE,
        "contact": HOSTILE,
        "notes": HOSTILE,
        "licence": HOSTILE,
    }
    one = row(hostile, of_system=named)
    of = made(WRITERS[address], one)
    for path, data in of.pages.files.items():
        page = shown(of, path.removesuffix("index.md"))
        for never in ("iframe", "em", "strong a", "*[onload]", "script[nonce]"):
            assert select(page, never) == []
        assert all(script.get("src") for script in select(page, "script"))
        assert all("javascript:" not in (link.get("href") or "") for link in select(page, "a"))
        assert b"<script>alert" not in data
    assert made(WRITERS[address], one).pages.files == of.pages.files
