"""Accuracy from raw outputs."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_logs import kws_file, one_hot
from tinybench.errors import DataError
from tinybench.mlperf_tiny.accuracy import Floats, Labels, auc_eembc, auc_exact, labelled, top1
from tinybench.mlperf_tiny.labels import label_of
from tinybench.mlperf_tiny.runs import Sample


def sample(file: str | None, results: tuple[float, ...] | None, offset: int | None = None) -> Sample:
    return Sample(input_file=file, offset=offset, length=None, results=results)


def test_outputs_beside_labels() -> None:
    samples = [sample(kws_file(k), tuple(one_hot(k))) for k in range(24)]
    found = labelled(samples, partial(label_of, "kws"))
    assert found.outputs.shape == (24, 12)
    assert found.labels.tolist() == [k % 12 for k in range(24)]
    assert found.files[23] == kws_file(23)
    assert top1(found.outputs, found.labels) == 1.0
    assert auc_exact(found.outputs, found.labels) == 1.0


def test_windows_of_a_recording_are_averaged() -> None:
    samples = [sample("a", (1.0,), 0), sample("b", (5.0,), 0), sample("a", (2.0,), 512)]
    found = labelled(samples, {"a": 0, "b": 1}.get)
    assert found.outputs.tolist() == [[1.5], [5.0]]
    assert auc_exact(found.outputs, found.labels) == 1.0


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "no samples"),
        ([sample("a", ())], "no output"),
        ([sample(None, (1.0,))], "sample 0 of the log has no name"),
        ([sample("a", None)], "a: the log has no output"),
        ([sample("b", (1.0,))], "b: nobody knows its class"),
        ([sample("a", (1.0,)), sample("a", (1.0, 2.0))], "different numbers of outputs"),
    ],
)
def test_what_cannot_be_labelled(samples: list[Sample], message: str) -> None:
    with pytest.raises(DataError, match=message):
        labelled(samples, {"a": 0}.get)


def test_top1_takes_the_first_maximum() -> None:
    outputs = np.array([[0.5, 0.5], [0.5, 0.5], [0.1, 0.9], [0.9, 0.1]])
    assert top1(outputs, np.array([0, 1, 1, 1])) == 0.5


def slow_auc_eembc(outputs: Floats, labels: Labels) -> float:
    """The rule, word by word."""
    areas = []
    for k in range(outputs.shape[1]):
        points = [(1.0, 1.0)]
        for step in range(1, 101):
            above = [value > step * 0.01 for value in outputs[:, k]]
            hits = [
                sum(a for a, y in zip(above, labels, strict=True) if (y == k) == own) for own in (False, True)
            ]
            points.append((hits[0] / np.sum(labels != k), hits[1] / np.sum(labels == k)))
        areas.append(sum((y0 + y1) / 2 * (x0 - x1) for (x0, y0), (x1, y1) in pairwise(points)))
    return float(np.mean(areas))


@given(st.lists(st.tuples(*[st.integers(0, 256)] * 3), min_size=6, max_size=40), st.randoms())
def test_area_of_eembc(rows: list[tuple[int, int, int]], random: np.random.Generator) -> None:
    outputs = np.array(rows) / 256
    labels = np.array([k % 3 for k in range(len(rows))])
    assert auc_eembc(outputs, labels) == pytest.approx(slow_auc_eembc(outputs, labels), abs=1e-12)


@given(st.lists(st.tuples(*[st.integers(1, 100)] * 3), min_size=6, max_size=40))
def test_exact_area_is_the_share_of_pairs(rows: list[tuple[int, int, int]]) -> None:
    outputs = np.array(rows, dtype=np.float64)
    labels = np.array([k % 3 for k in range(len(rows))])
    parts = outputs / outputs.sum(axis=1, keepdims=True)
    areas = []
    for k in range(3):
        own, rest = parts[labels == k, k], parts[labels != k, k]
        won = [1.0 if a > b else 0.5 if a == b else 0.0 for a in own for b in rest]
        areas.append(np.mean(won))
    assert auc_exact(outputs, labels) == pytest.approx(np.mean(areas), abs=1e-12)


def test_exact_area_of_two_classes_is_that_of_the_second() -> None:
    outputs = np.array([[3.0, 1.0], [1.0, 3.0], [8.0, 4.0], [2.0, 1.0]])
    assert auc_exact(outputs, np.array([0, 1, 1, 0])) == pytest.approx(0.875)


def test_the_two_areas_differ() -> None:
    """Above 0.99 and at 1 the rule of EEMBC sees no difference."""
    outputs = np.array([[0.0, 1.0], [0.002, 0.998], [1.0, 0.0], [0.004, 0.996]])
    labels = np.array([1, 1, 0, 0])
    assert auc_exact(outputs, labels) == 1.0
    assert auc_eembc(outputs, labels) < 0.9


def test_more_outputs_than_classes() -> None:
    outputs = np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]])
    assert auc_eembc(outputs, np.array([0, 1])) == 1.0
    assert auc_exact(outputs, np.array([0, 1])) == 1.0


@pytest.mark.parametrize(
    ("outputs", "labels", "message"),
    [
        (np.empty((0, 2)), [], "do not make an accuracy"),
        ([[0.0, 1.0]], [0, 1], "do not make an accuracy"),
        ([[np.nan, 1.0], [0.0, 1.0]], [0, 1], "no finite number"),
        ([[0.1, 0.9], [0.2, 0.8]], [1, 1], "same class|all of them"),
        ([[0.1, 0.9], [0.2, 0.8]], [0, 2], "class 2"),
    ],
)
def test_no_area(outputs: object, labels: list[int], message: str) -> None:
    for area in (auc_eembc, auc_exact):
        if labels == [0, 2] and area is auc_exact:
            message = "class 1|class 2"
        with pytest.raises(DataError, match=message):
            area(np.asarray(outputs, dtype=np.float64), np.array(labels, dtype=np.int64))


def test_one_output_has_no_area_of_eembc() -> None:
    with pytest.raises(DataError, match="two classes"):
        auc_eembc(np.array([[1.0], [2.0]]), np.array([0, 1]))


def test_a_vector_that_cannot_be_normalised() -> None:
    with pytest.raises(DataError, match="sum 0"):
        auc_exact(np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), np.array([0, 1]))
