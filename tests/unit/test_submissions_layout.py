"""What a submission may hold, and what its folders are called."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tinybench.errors import UsageError
from tinybench.results.schema import EvidenceName
from tinybench.submissions import layout
from tinybench.submissions.layout import Place

PARTS = st.sampled_from(
    [
        "results",
        "evidence",
        "attestations",
        "r-0123456789abcdef",
        "a.json",
        "log.txt",
        "..",
        ".",
        "",
        "a\\b",
        "\0",
    ]
)


@given(st.lists(PARTS, max_size=5).map("/".join) | st.text(max_size=30))
def test_a_path_that_is_taken_stays_below_and_is_a_file_of_a_submission(path: str) -> None:
    if layout.path_flaw(path) is None:
        assert layout.kind_of(path) is not None
        assert os.path.normpath(path) == path
        assert not path.startswith(("/", ".."))
        assert re.fullmatch(r"[A-Za-z0-9._/-]+", path)
        assert all(layout.is_folder(str(parent)) for parent in list(Path(path).parents)[:-1])


@given(st.lists(PARTS, max_size=5).map("/".join) | st.text(max_size=30))
def test_whatever_has_a_place_has_no_flaw(path: str) -> None:
    assert (layout.kind_of(path) is not None) == (layout.path_flaw(path) is None)


@given(st.text(max_size=80))
@example("STMicroelectronics")
@example("И́мя")
@example("con")
def test_a_slug_is_one_or_there_is_none(name: str) -> None:
    try:
        made = layout.slug(name)
    except UsageError:
        return
    assert layout.is_slug(made)
    assert layout.slug(made) == made
    assert layout.name_flaw(made) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("STMicroelectronics", "stmicroelectronics"),
        ("NUCLEO_L4R5ZI", "nucleo_l4r5zi"),
        ("K1_BOARD_V1.0", "k1_board_v1.0"),
        ("Łódź  Systems, Ltd.", "lodz-systems-ltd"),
        ("Straße & Søn", "strasse-son"),
        ("--a..b--", "a-b"),
        ("a_-_b", "a-b"),
    ],
)
def test_slugs(name: str, expected: str) -> None:
    assert layout.slug(name) == expected


@pytest.mark.parametrize("name", ["", "...", "Имя", "名前", "aux", "a" * 65])
def test_names_without_a_slug(name: str) -> None:
    with pytest.raises(UsageError, match="no part of a path"):
        layout.slug(name)


@pytest.mark.parametrize(
    "text", ["Acme", "a--b", "-a", "a-", "a b", "\u0430cme", "a/b", "nul.txt", "a\n", ""]
)
def test_what_is_no_slug(text: str) -> None:
    assert not layout.is_slug(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("acme", "acrne"), ("intel", "1ntel"), ("lntel", "Intel"), ("st-micro", "stmicr0"), ("vvm", "wm")],
)
def test_names_that_look_alike(one: str, other: str) -> None:
    assert layout.skeleton(one) == layout.skeleton(other)


def test_names_that_do_not_look_alike() -> None:
    names = [
        "alibaba",
        "andes",
        "bosch",
        "greenwaves-technologies",
        "octoml",
        "plumerai",
        "qualcomm",
        "renesas",
    ]
    assert len({layout.skeleton(name) for name in names}) == len(names)


def test_the_place_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "submissions/2026.1/acme/one"
    folder.mkdir(parents=True)
    expected = Place("2026.1", "acme", "one")
    assert Place.of(folder) == expected
    assert expected.path == "2026.1/acme/one"
    monkeypatch.chdir(folder)
    assert Place.of(Path()) == Place.of(Path("../one")) == expected
    assert Place.of(Path("results")) == Place("acme", "one", "results")
    assert Place.of(Path("/")) is None


def test_evidence_names_are_those_of_results() -> None:
    """What a result may call an evidence file is what a submission may hold, but for what it refuses."""
    constraints = EvidenceName.__metadata__[0]
    assert constraints.max_length == layout.MAX_NAME
    for name in ("performance-log.txt", "a.B_c-1.csv"):
        assert re.fullmatch(constraints.pattern, name)
        assert layout.kind_of(f"evidence/r-0123456789abcdef/{name}")


def test_the_page_names_every_type_of_evidence_and_every_cap(repository: Path) -> None:
    page = (repository / "site/docs/submissions.md").read_text()
    table = page.partition("## What a folder may hold")[2].partition("\n## ")[0]
    for suffix in (".txt", ".log", ".csv", ".async", ".json", ".bin", ".npy", ".png", ".txt.gz"):
        kind = layout.kind_of(f"evidence/r-0123456789abcdef/a{suffix}")
        assert kind is not None
        row = next(line for line in table.splitlines() if f"`{suffix}`" in line)
        assert f"{kind.max_bytes // layout.MIB} MiB" in row
    for path, cap in (
        ("system.toml", "64 KiB"),
        ("README.md", "256 KiB"),
        ("results/<name>.json", "4 MiB"),
        ("manifest.json", "512 KiB"),
        ("attestations/<name>.dsse.json", "64 KiB"),
    ):
        kind = layout.kind_of(path.replace("<name>", "a"))
        assert kind is not None
        unit = layout.MIB if "MiB" in cap else layout.KIB
        assert kind.max_bytes == int(cap.split()[0]) * unit
        assert cap in next(line for line in table.splitlines() if f"`{path}`" in line)
    for cap in (
        layout.MAX_BYTES,
        layout.MAX_UNPACKED,
        layout.MAX_UNPACKED_TOGETHER,
        layout.MAX_RESULTS_BYTES,
    ):
        assert f"{cap // layout.MIB} MiB" in table
    assert f"{layout.MAX_FILES:,} files" in table
    assert f"{layout.MAX_RATIO} times" in table
