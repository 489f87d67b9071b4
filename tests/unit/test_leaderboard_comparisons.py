from __future__ import annotations

from board_fixtures import board, timed
from tinybench.leaderboard.board import Row
from tinybench.leaderboard.comparisons import MOST, Comparisons


def reasons(row: Row, *others: Row) -> dict[str, str]:
    found = Comparisons(board([row, *others])).of(row)
    assert len({comparison.row.id for comparison in found}) == len(found)
    return {comparison.row.id: comparison.why for comparison in found}


def test_each_reason() -> None:
    one = timed(0.010)
    engine = timed(0.020, engine="other")
    earlier = timed(0.012, place="2025.2/acme/board-one", device="board-before", core="cortex-m3")
    measured = timed(0.011, "measured")
    near = timed(0.009, device="board-two")
    assert reasons(one, engine, earlier, measured, near) == {
        engine.id: "same device, other engine",
        earlier.id: "same system, other round",
        measured.id: "same device, other mode",
        near.id: "same core, nearest latency",
    }


def test_a_result_stands_alone_where_nothing_is_comparable() -> None:
    assert reasons(timed(0.010), timed(0.010, device="other", core="cortex-m7")) == {}


def test_other_modes_are_never_compared_by_latency_across_devices() -> None:
    assert reasons(timed(0.010), timed(0.010, "measured", device="other")) == {}


def test_the_fastest_of_each_engine_in_its_newest_round_stands_for_it() -> None:
    one = timed(0.010)
    best = timed(0.006, engine="other")
    slower = timed(0.008, engine="other")
    old = timed(0.001, engine="other", place="2025.1/globex/x")
    assert reasons(one, best, slower, old) == {best.id: "same device, other engine"}


def test_nearest_is_by_ratio_and_there_are_never_more_than_a_few() -> None:
    one = timed(0.010)
    below, above, far = timed(0.006, device="a"), timed(0.0143, device="b"), timed(0.1, device="c")
    found = Comparisons(board([one, below, above, far])).of(one)
    assert [comparison.row.id for comparison in found] == [above.id, below.id, far.id]
    many = [timed(0.010 + 0.0001 * number, device=f"d-{number}") for number in range(1, 10)]
    assert len(reasons(one, *many)) == MOST


def test_the_counterpart_of_the_same_engine_is_preferred() -> None:
    one = timed(0.010)
    same = timed(0.030, "measured")
    assert reasons(one, same, timed(0.010, "measured", engine="other")) == {
        same.id: "same device, other mode"
    }
