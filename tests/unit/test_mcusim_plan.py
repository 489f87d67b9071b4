from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinybench.mcusim.plan import ALIGNMENT, Buffer, plan_arena

buffers = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.builds(
        lambda size, first, length: Buffer(size, first, first + length),
        st.integers(1, 5000),
        st.integers(0, 12),
        st.integers(0, 5),
    ),
    max_size=14,
)


@given(buffers)
def test_buffers_that_live_together_never_share_a_byte(wanted: dict[str, Buffer]) -> None:
    plan = plan_arena(wanted)
    placed = [(plan.offsets[name], buffer) for name, buffer in wanted.items()]
    for index, (start, buffer) in enumerate(placed):
        assert start % ALIGNMENT == 0
        assert start + buffer.bytes <= plan.bytes
        for other_start, other in placed[:index]:
            if buffer.overlaps(other):
                assert start + buffer.bytes <= other_start or other_start + other.bytes <= start


@given(buffers)
def test_the_order_of_declaration_changes_nothing(wanted: dict[str, Buffer]) -> None:
    assert plan_arena(wanted) == plan_arena(dict(reversed(wanted.items())))


@given(buffers)
def test_the_arena_is_no_larger_than_all_buffers_side_by_side(wanted: dict[str, Buffer]) -> None:
    assert plan_arena(wanted).bytes <= sum(-(-b.bytes // ALIGNMENT) * ALIGNMENT for b in wanted.values())


def test_buffers_that_never_meet_share_memory() -> None:
    plan = plan_arena({"a": Buffer(1000, 0, 1), "b": Buffer(900, 2, 3), "c": Buffer(100, 1, 2)})
    assert plan.bytes == 1008 + 112
