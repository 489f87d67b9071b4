from __future__ import annotations

import itertools

import pytest

from tinybench.submissions.tiers import MEANING, TIERS, Facts, Tier, highest, lowest, tier_of


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(), "claimed"),
        (Facts(published_elsewhere=True), "published elsewhere"),
        (Facts(recomputed=True), "evidence-checked"),
        (Facts(recomputed=True, published_elsewhere=True), "evidence-checked"),
        (Facts(reproduced=True), "reproduced"),
        (Facts(reproduced=True, recomputed=True, published_elsewhere=True), "reproduced"),
    ],
)
def test_the_tier_is_the_highest_that_the_facts_support(facts: Facts, expected: Tier) -> None:
    assert tier_of(facts) == expected


def test_one_more_fact_never_lowers_a_tier() -> None:
    names = ("reproduced", "recomputed", "published_elsewhere")
    for values in itertools.product((False, True), repeat=3):
        known = dict(zip(names, values, strict=True))
        for name in names:
            assert TIERS.index(tier_of(Facts(**(known | {name: True})))) <= TIERS.index(
                tier_of(Facts(**known))
            )


def test_every_tier_says_what_it_means() -> None:
    assert list(MEANING) == list(TIERS)
    assert len(set(MEANING.values())) == len(TIERS)


def test_highest_and_lowest() -> None:
    assert highest(("claimed", "reproduced", "published elsewhere")) == "reproduced"
    assert lowest(("evidence-checked", "reproduced", "published elsewhere")) == "published elsewhere"
    assert highest(()) == lowest(()) == "claimed"
