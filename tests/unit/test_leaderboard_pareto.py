from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinybench.leaderboard.pareto import front

Points = np.typing.NDArray[np.float64]

# Few values, so that ties are common; and what is missing or infinite.
points = st.integers(0, 30).flatmap(
    lambda n: arrays(
        np.float64, (n, 2), elements=st.sampled_from([0.0, 1.0, 2.0, 3.0, 0.5, math.nan, math.inf])
    )
)


def beats(one: Points, other: Points) -> bool:
    return bool(np.isfinite(one).all() and (one <= other).all() and (one < other).any())


def test_the_front_of_some_points() -> None:
    first = [1.0, 2.0, 3.0, 2.0, 4.0, 1.0]
    second = [5.0, 2.0, 2.0, 2.0, 1.0, 6.0]
    assert front(first, second).tolist() == [True, True, False, True, True, False]


def test_what_has_a_missing_figure_is_not_on_it_and_beats_nobody() -> None:
    assert front([0.0, 1.0, math.nan], [math.nan, 1.0, 0.0]).tolist() == [False, True, False]
    assert front([-math.inf, 1.0], [-math.inf, 1.0]).tolist() == [False, True]
    assert front([], []).tolist() == []
    assert front([math.nan], [math.nan]).tolist() == [False]


def test_as_many_first_as_second_costs() -> None:
    with pytest.raises(ValueError, match="size"):
        front([1.0, 2.0], [1.0])


@given(points)
def test_nothing_beats_the_front_and_the_front_beats_the_rest(all_: Points) -> None:
    on_front = front(all_[:, 0], all_[:, 1])
    for point, is_on in zip(all_, on_front, strict=True):
        if is_on:
            assert not any(beats(other, point) for other in all_)
        elif np.isfinite(point).all():
            assert any(beats(other, point) for other in all_[on_front])


@given(points, st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(all_: Points, random: object) -> None:
    order = np.arange(len(all_))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert front(all_[order, 0], all_[order, 1]).tolist() == front(all_[:, 0], all_[:, 1])[order].tolist()


@given(points)
def test_equal_points_share_their_fate_and_so_do_both_figures(all_: Points) -> None:
    on_front = front(all_[:, 0], all_[:, 1])
    assert front(all_[:, 1], all_[:, 0]).tolist() == on_front.tolist()
    fates = {}
    for point, is_on in zip(all_.tolist(), on_front.tolist(), strict=True):
        if not any(math.isnan(cost) for cost in point):
            assert fates.setdefault(tuple(point), is_on) == is_on


@given(points)
def test_no_point_is_lost_when_one_is_said_twice(all_: Points) -> None:
    twice = np.concatenate([all_, all_])
    once = front(all_[:, 0], all_[:, 1]).tolist()
    assert front(twice[:, 0], twice[:, 1]).tolist() == once + once
