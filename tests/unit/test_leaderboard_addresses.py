"""Addresses that last, and links between them."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.leaderboard import addresses
from tinybench.leaderboard.addresses import file_of, link, name_part
from tinybench.submissions.layout import Place, is_slug


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ("", "leaderboard/", "leaderboard/index.html"),
        ("leaderboard/", "", "../index.html"),
        ("results/r-1/", "results/r-2/", "../r-2/index.html"),
        ("results/r-1/", "results/r-1/result.json", "result.json"),
        ("tasks/kws/", "feed.xml", "../../feed.xml"),
        ("cli.html", "rules/TB204.html", "rules/TB204.html"),
        (
            "tasks/kws/",
            "leaderboard/?task=kws&q=a%2Fb#top",
            "../../leaderboard/index.html?task=kws&q=a%2Fb#top",
        ),
        ("tasks/kws/", "#ranking", "../../index.html#ranking"),
    ],
)
def test_links_name_files(here: str, there: str, expected: str) -> None:
    assert link(here, there) == expected


PARTS = st.lists(st.from_regex(r"[a-z0-9]{1,4}", fullmatch=True), max_size=4)
FOLDERS = PARTS.map(lambda parts: "".join(f"{part}/" for part in parts))


@given(FOLDERS, FOLDERS)
def test_a_link_leads_from_one_page_to_the_other(here: str, there: str) -> None:
    arrived = posixpath.normpath(posixpath.join(posixpath.dirname(file_of(here)), link(here, there)))
    assert arrived == file_of(there)


def test_a_result_has_its_id_alone_for_an_address() -> None:
    assert addresses.result("r-0123456789abcdef") == "results/r-0123456789abcdef/"


def test_other_addresses() -> None:
    assert addresses.system(Place("2026.1", "acme", "board")) == "systems/2026.1/acme/board/"
    assert addresses.task("kws") == "tasks/kws/"
    assert addresses.device("nucleo-l4r5zi") == "devices/nucleo-l4r5zi/"
    assert addresses.model("kws", "ab" * 32) == f"models/kws-{'ab' * 32}/"
    assert addresses.model("A model", None).startswith("models/a-model-")


@given(st.text(), st.text())
def test_two_texts_never_share_an_address(one: str, other: str) -> None:
    assert (name_part(one) == name_part(other)) == (one == other)


@given(st.text())
def test_any_text_has_an_address(text: str) -> None:
    assert is_slug(name_part(text))


def test_nobody_takes_the_address_that_another_name_has() -> None:
    assert name_part(name_part("Board X")) != name_part("Board X")


@pytest.mark.parametrize("name", ["index.md", "index.html", "acme.html"])
def test_no_folder_is_called_like_the_file_of_a_page(name: str) -> None:
    for address in (addresses.device(name), addresses.organisation(name), addresses.model(name, None)):
        assert not address.removesuffix("/").endswith((".md", ".html"))


def test_models_of_one_name_are_told_apart_by_all_of_their_hash() -> None:
    assert addresses.model("kws", "0" * 63 + "1") != addresses.model("kws", "0" * 63 + "2")
