from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from board_fixtures import HOSTILE, board, context, html, published_row, timed
from tinybench.leaderboard import figures, figures_page
from tinybench.leaderboard.figures import families, labels, marks, palette, svg, tradeoffs, words
from tinybench.leaderboard.figures.canvas import Canvas, decades, shorten, text_width
from tinybench.leaderboard.figures.engines import engines
from tinybench.leaderboard.figures.figure import Figure
from tinybench.leaderboard.figures.progress import progress
from tinybench.leaderboard.figures.simulator import simulator
from tinybench.leaderboard.frame import COLUMNS
from tinybench.validation.cases import read_cases

_ids = itertools.count(1)
_TEXTS = {column.name for column in COLUMNS if column.kind == "text"}

RESULT: dict[str, Any] = {
    "task": "kws",
    "round": "mlperf-v1.0",
    "organisation": "Acme",
    "organisation_slug": "acme",
    "system": "Board One",
    "division": "closed",
    "published": True,
    "mode": "measured",
    "energy_mode": "measured",
    "accuracy_mode": "measured",
    "device": "board-one",
    "core": "cortex-m4",
    "clock_hz": 120_000_000,
    "supply_v": 1.8,
    "engine": "TFLM 1.0",
    "kernels": None,
    "model": "MLPerf Tiny kws reference model, int8",
    "samples": 1000,
    "metric": "top1",
    "accuracy": 0.91,
    "target": 0.9,
    "target_met": True,
    "decisive": True,
    "latency_s": 0.1,
    "latency_low_s": np.nan,
    "latency_high_s": np.nan,
    "energy_j": 0.005,
}


def result(**changes: Any) -> dict[str, Any]:
    """A row of the frame, with an id of its own."""
    return {"id": f"r-{next(_ids):016x}", **RESULT, **changes}


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    made = pd.DataFrame(list(rows))
    return made.astype({name: "string" for name in made.columns if name in _TEXTS})


def named(found: list[Figure], name: str) -> Figure:
    return next(figure for figure in found if figure.name == name)


def drawn(figure: Figure, address: str | None = None) -> ET.Element:
    return ET.fromstring(figure.files()[address or figure.light])


def links(root: ET.Element) -> list[tuple[str, str]]:
    """Address and tooltip of each point that leads somewhere."""
    return [(a.attrib["href"], "".join(a[0].itertext())) for a in root.iter(f"{{{SVG}}}a")]


SVG = "http://www.w3.org/2000/svg"

THREE = (
    result(system="Fast", latency_s=0.01, accuracy=0.90, energy_j=0.002),
    result(system="Right", latency_s=0.2, accuracy=0.95, energy_j=0.001, core="npu"),
    result(system="Beaten", latency_s=0.3, accuracy=0.89, target_met=False, energy_j=0.02),
)


def test_a_trade_off_tells_its_numbers_in_the_alt_text_and_what_is_left_out_in_the_caption() -> None:
    table = frame(
        *THREE,
        result(accuracy=np.nan),
        result(decisive=False),
        result(latency_s=np.nan),
        result(task="ic"),
    )
    figure = named(tradeoffs.tradeoffs(table, "kws", "Keyword spotting"), "kws-accuracy-latency")
    assert figure.title == "Keyword spotting: accuracy against latency"
    assert figure.n == 3
    assert "3 measured results, latency from 10 ms to 300 ms, accuracy from 89.0 % to 95.0 %" in figure.alt
    assert "Fast, TFLM 1.0 (10 ms, 90.0 %) and Right, TFLM 1.0 (200 ms, 95.0 %)." in figure.alt
    assert "The target, 90.0 %, is met by 2 of 3." in figure.alt
    for reason in (
        "1 result without a latency",
        "1 result without an accuracy",
        "1 result whose accuracy is not that of a whole test set",
        "88.0 to 91.7 % on 1,000 samples",
        "published in MLPerf Tiny v1.0",
    ):
        assert reason in figure.caption
    assert figure.data["on_front"].tolist() == [True, True, False]


def test_an_accuracy_that_decides_nothing_does_not_meet_the_target() -> None:
    predicted = result(accuracy=0.99, accuracy_mode="predicted", target_met=None)
    figure = named(tradeoffs.tradeoffs(frame(*THREE, predicted), "kws", "t"), "kws-accuracy-latency")
    assert "The target, 90.0 %, is met by 2 of 4." in figure.alt


def test_published_aucs_say_that_they_are_not_exactly_comparable() -> None:
    own = {"task": "ad", "metric": "auc", "target": 0.85, "published": False}
    one, other = result(**own, accuracy=0.86), result(**own, accuracy=0.862, latency_s=0.2)
    (caption,) = {
        f.caption for f in tradeoffs.tradeoffs(frame(one, other), "ad", "t") if "latency" in f.name[11:]
    }
    assert "0.02" not in caption
    published = frame(one, other | {"published": True})
    assert (
        "differ by up to 0.02"
        in named(tradeoffs.tradeoffs(published, "ad", "t"), "ad-accuracy-latency").caption
    )


def test_energy_is_compared_within_the_closed_division() -> None:
    found = tradeoffs.tradeoffs(frame(*THREE, result(division="open")), "kws", "Keyword spotting")
    figure = named(found, "kws-latency-energy")
    assert figure.n == 3
    assert "1 result of the open division" in figure.caption
    assert named(found, "kws-energy-accuracy").n == 4


def test_modes_have_fronts_of_their_own_and_a_point_has_the_weaker_of_two_modes() -> None:
    simulated = result(
        system="Sim", mode="simulated", energy_mode="predicted", accuracy_mode="simulated", latency_s=0.001
    )
    found = tradeoffs.tradeoffs(frame(*THREE, simulated), "kws", "Keyword spotting")
    latency, energy = (named(found, f"kws-{name}") for name in ("accuracy-latency", "latency-energy"))
    # The simulated one beats all others, and takes nothing from their front.
    assert "On the front of what is measured: Fast, TFLM 1.0 (10 ms" in latency.alt
    assert "On the front of what is simulated: Sim, TFLM 1.0 (1 ms, 91.0 %)." in latency.alt
    assert set(latency.data["mode"]) == {"measured", "simulated"}
    assert set(energy.data["mode"]) == {"measured", "predicted"}
    assert "3 measured and 1 predicted results" in energy.alt
    assert "weaker of the modes" in energy.caption


def test_one_point_is_no_figure() -> None:
    assert tradeoffs.tradeoffs(frame(result()), "kws", "Keyword spotting") == []
    assert (
        tradeoffs.tradeoffs(frame(result(), result(accuracy=np.nan)), "kws", "t")[0].name
        == "kws-latency-energy"
    )


def test_equal_points_of_a_front_share_a_number_and_a_line() -> None:
    same = [result(system=f"Twin {n}", latency_s=0.01, accuracy=0.95) for n in range(3)]
    figure = tradeoffs.tradeoffs(frame(*THREE, *same), "kws", "Keyword spotting")[0]
    assert "3 equal results" in figure.alt
    text = " ".join("".join(element.itertext()) for element in drawn(figure).iter(f"{{{SVG}}}text"))
    assert "Twin 0, TFLM 1.0 (and 2 equal)" in text


def test_every_point_is_a_link_with_a_tooltip() -> None:
    figure = tradeoffs.tradeoffs(frame(*THREE), "kws", "Keyword spotting")[0]
    found = dict(links(drawn(figure)))
    assert set(found) == {f"../../results/{row['id']}/index.html" for row in THREE}
    tip = found[f"../../results/{THREE[1]['id']}/index.html"]
    assert tip.splitlines() == [
        "Right, TFLM 1.0",
        "Acme, mlperf-v1.0, closed division",
        "npu at 120 MHz",
        "200 ms, 95.0 % (measured)",
    ]


def test_of_thousands_only_the_front_is_linked_and_the_file_stays_small() -> None:
    random = np.random.default_rng(1)
    many = [
        result(latency_s=float(latency), accuracy=float(accuracy), core=f"cortex-m{n % 60}")
        for n, (latency, accuracy) in enumerate(
            zip(random.lognormal(-3, 1.5, 5000), random.uniform(0.5, 0.97, 5000), strict=True)
        )
    ]
    figure = tradeoffs.tradeoffs(frame(*many), "kws", "Keyword spotting")[0]
    files = figure.files()
    root = ET.fromstring(files[figure.light])
    best = figure.data["id"][figure.data["on_front"]]
    assert {address for address, _ in links(root)} == {f"../../results/{id_}/index.html" for id_ in best}
    inside = root.findall(f".//{{{SVG}}}use")
    assert len(inside) >= 5000
    assert len(files[figure.light]) < 500_000


HOSTILE_RESULT = {
    "system": HOSTILE,
    "organisation": HOSTILE,
    "engine": f'{HOSTILE} fill="#123456" $x^2$ \x00\x1b￾ 测试',
    "core": HOSTILE,
    "kernels": HOSTILE,
    "model": HOSTILE,
    "device": HOSTILE,
    "round": "mlperf-v1.0",
}


def all_figures(*rows: dict[str, Any]) -> Iterator[Figure]:
    table = frame(*rows)
    task, device = str(table["task"].iloc[0]), str(table["device"].iloc[0])
    yield from tradeoffs.tradeoffs(table, task, task)
    for one in (engines(table, device, task, task), progress(table, task, task, sorted(set(table["round"])))):
        if one is not None:
            yield one


def test_names_that_want_to_be_markup_are_text() -> None:
    rows = [
        result(**HOSTILE_RESULT | {"engine": f"{HOSTILE_RESULT['engine']}{n}", "round": f"mlperf-v1.{n}"})
        for n in range(3)
    ]
    found = list(all_figures(*rows))
    assert len(found) == 5
    for figure in found:
        for address in (figure.light, figure.dark):
            data = figure.files()[address]
            root = ET.fromstring(data)
            for element in root.iter():
                assert element.tag.removeprefix(f"{{{SVG}}}") in ALLOWED
                for name, value in element.attrib.items():
                    assert name in ATTRIBUTES, name
                    if name == "href":
                        assert re.fullmatch(r"#\w+|\.\./\.\./results/r-[0-9a-f]{16}/index\.html", value)
            text = "".join(root.itertext())
            assert "<script>alert(1)</script>" in text
            assert "‮" not in text
            assert "测试" in text


ALLOWED = {"svg", "title", "desc", "g", "defs", "path", "use", "a", "text", "tspan", "clipPath", "rect"}
ATTRIBUTES = {
    *("viewBox", "font-family", "font-size", "font-weight", "text-anchor", "transform", "id", "d", "x", "y"),
    *("width", "height", "fill", "stroke", "stroke-width", "stroke-linejoin", "stroke-linecap", "href"),
    *("stroke-dasharray", "stroke-dashoffset", "clip-path", "opacity", "stroke-opacity", "fill-opacity"),
}


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80), st.text(max_size=30))
def test_no_name_breaks_a_figure(system: str, engine: str, core: str) -> None:
    rows = [result(system=system, engine=f"{engine}{n}", core=core, round=f"mlperf-v1.{n}") for n in range(3)]
    for figure in all_figures(*rows):
        drawn(figure)


def test_the_same_results_give_the_same_bytes_whatever_their_order() -> None:
    rows = [*THREE, *(result(round=f"mlperf-v1.{n}", engine=f"E {n}", latency_s=0.1 + n) for n in range(3))]
    once = {address: data for figure in all_figures(*rows) for address, data in figure.files().items()}
    again = {
        address: data for figure in all_figures(*reversed(rows)) for address, data in figure.files().items()
    }
    assert once == again
    assert not any(b"Date" in data or b"date>" in data for data in once.values())


def test_dark_is_the_same_drawing_in_other_colours() -> None:
    figure = tradeoffs.tradeoffs(frame(*THREE), "kws", "Keyword spotting")[0]
    files = figure.files()
    light, dark = (ET.fromstring(files[address]) for address in (figure.light, figure.dark))
    swapped = 0
    for one, other in zip(light.iter(), dark.iter(), strict=True):
        assert one.tag == other.tag
        for name, value in one.attrib.items():
            expected = palette.DARK[value] if value.startswith("#") and name != "href" else value
            swapped += expected != value
            assert other.attrib[name] == expected
    assert swapped > 20


def luminance(color: str) -> float:
    def linear(channel: int) -> float:
        value = channel / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(color[at : at + 2], 16)) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_marks_have_a_contrast_of_three_and_text_of_four_and_a_half(dark: bool) -> None:
    def shown(color: str) -> str:
        return palette.DARK[color] if dark else color

    paper = shown(palette.PAPER)
    for family in families.FAMILIES:
        assert contrast(shown(family.color), paper) >= 3
    for text in (palette.INK, palette.MUTED):
        assert contrast(shown(text), paper) >= 4.5


def test_families_differ_in_colour_and_in_pattern() -> None:
    assert len({family.color for family in families.FAMILIES}) == len(families.FAMILIES)
    assert len({family.pattern for family in families.FAMILIES}) == len(families.FAMILIES)
    shapes = {
        marks.mark(mode, family.pattern).vertices.tobytes()
        for mode in marks.OUTLINES
        for family in families.FAMILIES
    }
    assert len(shapes) == len(marks.OUTLINES) * len(families.FAMILIES)
    with pytest.raises(ValueError, match="no pattern"):
        marks.mark("measured", "stripes")


@pytest.mark.parametrize(
    ("core", "family"),
    [
        ("cortex-m4", families.CORTEX_M4),
        ("cortex-m0plus", families.OTHER_M),
        ("cortex-a72", families.OTHER),
        ("rv32imac", families.RISC_V),
        ("andes-d25f", families.RISC_V),
        ("npu", families.NPU),
        (None, families.OTHER),
    ],
)
def test_cores_have_families(core: str | None, family: families.Family) -> None:
    assert families.family_of(core) is family


def test_engines_on_a_device_fastest_first_and_modes_apart() -> None:
    table = frame(
        result(engine="Slow 1", latency_s=0.3),
        result(engine="Quick 2", latency_s=0.1),
        result(engine="Quick 2", latency_s=0.15),
        result(engine="Quick 2", latency_s=0.2, model="MLPerf Tiny kws reference model, float"),
        result(engine="Quick 2", latency_s=0.25, model="kws_dscnn"),
        result(engine="Sim", mode="simulated", latency_s=0.05, latency_low_s=0.04, latency_high_s=0.06),
        result(engine="Open", division="open"),
        result(engine="Elsewhere", device="board-two"),
    )
    figure = engines(table, "board-one", "kws", "Keyword spotting")
    assert figure is not None
    assert figure.name == "board-one--kws-engines"
    assert "5 measured and 1 simulated results" in figure.alt
    assert (
        "Measured, fastest first: Quick 2 100 ms, Quick 2, float 200 ms, Quick 2, model kws_dscnn 250 ms and "
        "Slow 1 300 ms."
    ) in figure.alt
    assert "Simulated, fastest first: Sim 50 ms." in figure.alt
    assert "1 result of the open division" in figure.caption
    assert "95 % prediction interval" in figure.caption
    assert len(links(drawn(figure))) == 6
    assert engines(table, "board-two", "kws", "Keyword spotting") is None


def test_of_many_devices_those_with_the_most_engines_have_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinybench.leaderboard.figures.collection.MOST_DEVICES", 1)
    rows = [timed(0.1 * n, "measured", engine=f"engine {n}", device="few") for n in (1, 2)]
    rows += [timed(0.1 * n, "measured", engine=f"engine {n}", device="more") for n in (1, 2, 3)]
    rows.append(timed(0.3, "measured", device="one"))
    assert list(figures.gallery(context(board(rows))).devices) == ["more"]


def test_progress_joins_one_board_at_one_clock_and_nothing_else() -> None:
    rounds = ["mlperf-v0.5", "mlperf-v0.7", "mlperf-v1.0"]
    table = frame(
        *(result(round=name, latency_s=0.3 - 0.1 * n) for n, name in enumerate(rounds)),
        result(round="mlperf-v1.0", latency_s=0.2),
        result(round="mlperf-v1.0", latency_s=0.001, clock_hz=400_000_000),
        result(round="mlperf-v1.0", latency_s=0.001, division="open"),
        result(round="mlperf-v1.0", latency_s=0.001, mode="simulated"),
        result(round="mlperf-v1.0", latency_s=0.001, published=False),
        result(round="mlperf-v1.0", energy_j=1e-6, latency_s=0.5, supply_v=3.3),
    )
    figure = progress(table, "kws", "Keyword spotting", rounds)
    assert figure is not None
    assert "Latency: board-one, 120 MHz from 300 ms in v0.5 to 100 ms in v1.0." in figure.alt
    assert "Energy: board-one, 120 MHz from 5 mJ in v0.5 to 5 mJ in v1.0." in figure.alt
    latency = figure.data[figure.data["quantity"] == "latency"]
    assert latency["best"].tolist() == pytest.approx([0.3, 0.2, 0.1])
    assert latency["results"].tolist() == [1, 1, 3]
    assert progress(table, "kws", "Keyword spotting", rounds[1:]) is not None
    two = table[table["round"] != "mlperf-v0.5"]
    assert progress(two, "kws", "Keyword spotting", rounds) is None


def test_of_many_boards_the_figure_of_progress_shows_some_and_says_so() -> None:
    rounds = [f"mlperf-v1.{n}" for n in range(4)]
    rows = [
        result(round=name, device=f"board-{n:02}", energy_j=np.nan)
        for n in range(10)
        for name in rounds[: 3 + (n == 9)]
    ]
    figure = progress(frame(*rows), "kws", "Keyword spotting", rounds)
    assert figure is not None
    assert figure.data["device"].nunique() == 8
    assert "board-09" in set(figure.data["device"])
    assert "2 further boards" in figure.caption
    assert "supply" not in figure.caption


def test_the_simulator_is_shown_with_its_errors_and_leads_to_results() -> None:
    cases = read_cases()
    source = cases[0].source
    latency, energy = simulator(cases, {source: "r-0123456789abcdef"})
    assert latency.n == len(cases)
    assert energy.n == sum(case.energy_error is not None for case in cases)
    current = [abs(case.latency_error) for case in cases if case.interval]
    assert (
        f"Mean absolute error {100 * sum(current) / len(current):.1f} % over the {len(current)}"
        in latency.caption
    )
    worst = max(cases, key=lambda case: abs(case.latency_error))
    assert f"Furthest off: {100 * worst.latency_error:+.1f} %, {worst.task} on {worst.device}" in latency.alt
    found = links(drawn(latency))
    # Each case is in both plots.
    assert len(found) == 2 * len(cases)
    assert {address for address, _ in found} == {
        "../../results/r-0123456789abcdef/index.html",
        "../../methodology.html",
    }
    assert simulator(cases[:1], {}) == []


def test_the_gallery_knows_where_figures_belong_and_the_page_shows_them_all() -> None:
    rows = [timed(0.1 * n, "measured", engine=f"engine {n}") for n in (1, 2, 3)]
    made = context(board([*rows, published_row()]))
    gallery = figures.gallery(made)
    assert figures.gallery(made) is gallery
    assert [figure.name for figure in gallery.of_task("kws")] == ["kws-accuracy-latency"]
    assert [figure.name for figure in gallery.of_device("board-one")] == ["board-one--kws-engines"]
    assert gallery.of_device("nothing") == ()
    assert [figure.name for figure in gallery.simulator] == ["simulator-latency", "simulator-energy"]
    figures.write(made)
    figures_page.write(made)
    page = html(made.pages, "figures/")
    for figure in gallery.all():
        for address in (figure.light, figure.dark, figure.csv):
            assert address in made.pages.files
        assert f'src="../{figure.light}#only-light"' in page
        assert f'src="../{figure.dark}#only-dark"' in page
        assert f'href="../{figure.csv}"' in page


@given(st.floats(1e-9, 1e9), st.floats(1.01, 1e12))
def test_a_logarithmic_axis_has_some_ticks_between_its_ends(low: float, factor: float) -> None:
    high = low * factor
    major, minor = decades(low, high)
    assert all(low <= tick <= high for tick in (*major, *minor))
    assert len(set(major) | set(minor)) == len(major) + len(minor)
    assert len(major) <= 11
    if factor > 2:
        assert major


@given(st.text(max_size=60), st.floats(20, 200))
def test_shortened_text_fits(text: str, width: float) -> None:
    short = shorten(text, width, 8.5)
    assert text_width(short, 8.5) <= width or len(short) <= 2
    assert short == text or short.endswith("…")


def test_words() -> None:
    assert words.plain("a\n b\t\x07c") == "a b ?c"
    assert words.plain("\ud800‮\ufffe") == "???"
    assert words.plain(f"microTVM {'0123456789' * 4}") == "microTVM 0123456"
    assert words.rounds(["mlperf-v1.0", "mlperf-v0.7", "mlperf-v1.0"]) == "MLPerf Tiny v0.7 and v1.0"
    assert words.by_mode({"measured": 0, "simulated": 1}) == "1 simulated result"
    assert words.count(1_234, "result") == "1,234 results"


def test_marks_and_points_have_to_agree() -> None:
    canvas = Canvas()
    canvas.plot(
        lambda axes: canvas.series(axes, [1, 2], [1, 2], marks.mark("measured", "full"), palette.INK, [None]),
        100,
    )
    drawing = canvas.drawn()
    with pytest.raises(ValueError, match="series0 was drawn with 2 points, not 1"):
        svg.finish(drawing.svg, "t", "d", drawing.marks)


def test_numbers_of_a_front_lie_apart_and_on_its_better_side() -> None:
    points = np.column_stack([np.arange(1.0, 13.0), np.arange(1.0, 13.0)])

    def places(up: int) -> list[tuple[float, float]]:
        canvas = Canvas()
        found: list[tuple[float, float]] = []

        def plot(axes: Any) -> None:
            axes.set_xlim(0, 40)
            axes.set_ylim(0, 40)
            labels.label(
                axes, points, [(n, str(n + 1)) for n in range(12)], [(-0.75, 0.75 * up), (-1, 0), (0, up)]
            )
            at = axes.transData.transform(points) * 72 / axes.figure.dpi
            found.extend(tuple(at[n] + text.xyann) for n, text in enumerate(axes.texts))

        canvas.plot(plot, 200)
        canvas.drawn()
        return found

    above = places(1)
    for one, other in itertools.combinations(above, 2):
        assert np.hypot(one[0] - other[0], one[1] - other[1]) > 6
    assert places(1) == above
    assert all(low[1] <= high[1] for low, high in zip(places(-1), above, strict=True))


def test_a_spreadsheet_executes_nothing_of_the_data() -> None:
    rows = [result(engine=f"=cmd()|{n}", device="board-one") for n in range(2)]
    figure = engines(frame(*rows), "board-one", "kws", "Keyword spotting")
    assert figure is not None
    lines = figure.files()[figure.csv].decode().splitlines()
    assert all(",'=cmd()|" in line for line in lines[1:])
