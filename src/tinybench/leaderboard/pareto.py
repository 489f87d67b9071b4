"""The Pareto front of points in a plane: those that no other point beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def front(first: ArrayLike, second: ArrayLike) -> NDArray[np.bool_]:
    """Which points are on the front; both figures are costs, so that less is better.

    A point beats another if it is better in one figure and not worse in the other. Equal points do not beat
    each other: all of them are on the front, or none. A point with a figure that is missing (NaN) or infinite
    is not on the front and beats nobody.

    Args:
        first: one cost of each point; negate what is better the more there is.
        second: the other, in the same order.

    Returns:
        One truth value per point, in the order of the points.
    """
    costs = np.column_stack([np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)])
    known = np.isfinite(costs).all(axis=1)
    on_front = np.zeros(len(costs), dtype=np.bool_)
    if known.any():
        # Sorted by the first cost, then the second; a point is beaten if an earlier one costs no more.
        distinct, members = np.unique(costs[known], axis=0, return_inverse=True)
        least_before = np.minimum.accumulate(np.concatenate([[np.inf], distinct[:-1, 1]]))
        on_front[known] = (distinct[:, 1] < least_before)[members.reshape(-1)]
    return on_front
