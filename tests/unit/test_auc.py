"""Scores of recordings, the area under the ROC curve and its interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from tinybench.auc import auc_interval, clip_scores, roc_auc, roc_curve

# Few different values, so that ties are common.
scores = st.lists(st.integers(-5, 5), min_size=1, max_size=30).map(lambda n: np.array(n, dtype=np.float64))
areas = st.floats(0.0, 1.0)
counts = st.integers(1, 3000)


class TestRocAuc:
    @given(normal=scores, anomalous=scores)
    def test_it_is_the_mann_whitney_statistic_of_scipy(
        self, normal: NDArray[np.float64], anomalous: NDArray[np.float64]
    ) -> None:
        pairs = len(normal) * len(anomalous)
        expected = stats.mannwhitneyu(anomalous, normal, method="asymptotic").statistic / pairs
        assert roc_auc(normal, anomalous) == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize(
        ("normal", "anomalous", "expected"),
        [
            ([0.1, 0.4], [0.35, 0.8], 0.75),
            ([1, 1, 2, 2, 3], [2, 2, 3, 4], 31 / 40),
            ([5, 5, 5], [5, 5], 0.5),
            ([3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5, 8, 9, 7, 9], 43.5 / 56),
        ],
    )
    def test_it_is_that_of_scikit_learn(
        self, normal: list[float], anomalous: list[float], expected: float
    ) -> None:
        # sklearn.metrics.roc_auc_score, scikit-learn 1.9.1.
        assert roc_auc(np.array(normal), np.array(anomalous)) == pytest.approx(expected, abs=1e-12)

    @given(normal=scores, anomalous=scores)
    def test_exchanging_the_classes_mirrors_it(
        self, normal: NDArray[np.float64], anomalous: NDArray[np.float64]
    ) -> None:
        assert roc_auc(normal, anomalous) + roc_auc(anomalous, normal) == pytest.approx(1.0)

    @given(normal=scores, anomalous=scores, factor=st.floats(0.1, 10), offset=st.floats(-100, 100))
    def test_only_the_order_of_scores_matters(
        self, normal: NDArray[np.float64], anomalous: NDArray[np.float64], factor: float, offset: float
    ) -> None:
        moved = roc_auc(normal * factor + offset, anomalous * factor + offset)
        assert moved == roc_auc(normal, anomalous)

    def test_no_recordings_or_no_number_is_an_error(self) -> None:
        one = np.array([1.0])
        with pytest.raises(ValueError, match="needs normal and anomalous"):
            roc_auc(one, np.array([]))
        with pytest.raises(ValueError, match="not a number"):
            roc_auc(one, np.array([math.nan]))


class TestRocCurve:
    def test_it_is_that_of_scikit_learn(self) -> None:
        # sklearn.metrics.roc_curve with drop_intermediate=False, scikit-learn 1.9.1.
        normal, anomalous = np.array([1.0, 1, 2, 2, 3]), np.array([2.0, 2, 3, 4])
        false_positive, true_positive = roc_curve(normal, anomalous)
        np.testing.assert_allclose(false_positive, [0, 0, 0.2, 0.6, 1])
        np.testing.assert_allclose(true_positive, [0, 0.25, 0.5, 1, 1])

    @given(normal=scores, anomalous=scores)
    def test_the_area_under_it_is_the_area(
        self, normal: NDArray[np.float64], anomalous: NDArray[np.float64]
    ) -> None:
        false_positive, true_positive = roc_curve(normal, anomalous)
        assert (false_positive[0], true_positive[0]) == (0, 0)
        assert (false_positive[-1], true_positive[-1]) == (1, 1)
        assert np.all(np.diff(false_positive) >= 0)
        assert np.all(np.diff(true_positive) >= 0)
        area = np.trapezoid(true_positive, false_positive)
        assert area == pytest.approx(roc_auc(normal, anomalous))


class TestInterval:
    def test_a_known_case(self) -> None:
        # Area 0.893 of 58 normal and 51 abnormal images (Hanley and McNeil, 1982), by the quartic equation
        # that squaring the definition gives, solved with numpy.roots.
        assert auc_interval(0.893, 58, 51) == pytest.approx((0.811477, 0.939883), abs=1e-6)

    @given(area=areas, normal=counts, anomalous=counts)
    def test_it_holds_the_area_and_stays_between_0_and_1(
        self, area: float, normal: int, anomalous: int
    ) -> None:
        low, high = auc_interval(area, normal, anomalous)
        assert 0.0 <= low <= area <= high <= 1.0
        assert high - low > 0.0

    @given(area=areas, count=st.integers(1, 1000))
    def test_more_recordings_make_it_narrower(self, area: float, count: int) -> None:
        (low, high), (lower, higher) = (
            auc_interval(area, 4 * count, 4 * count),
            auc_interval(area, count, count),
        )
        assert high - low < higher - lower

    @pytest.mark.parametrize(
        ("distance", "normal", "anomalous"), [(1.5, 20, 20), (2.5, 25, 75), (1.5, 140, 108)]
    )
    def test_it_covers_the_true_area_of_two_normal_distributions(
        self, distance: float, normal: int, anomalous: int
    ) -> None:
        true = 0.5 * (1 + math.erf(distance / 2))
        rng = np.random.default_rng(0)
        covered = 0
        for _ in range(1000):
            area = roc_auc(rng.normal(size=normal), rng.normal(distance, 1, anomalous))
            low, high = auc_interval(area, normal, anomalous)
            covered += low <= true <= high
        assert 930 <= covered <= 985

    def test_what_is_no_area_is_refused(self) -> None:
        for arguments in ((1.1, 3, 3), (0.5, 0, 3), (0.5, 3, 0), (math.nan, 3, 3)):
            with pytest.raises(ValueError, match="is not an area"):
                auc_interval(*arguments)


class TestClipScores:
    def test_it_is_the_mean_squared_error_against_the_float_input(self) -> None:
        rng = np.random.default_rng(1)
        features = rng.normal(-30, 10, (3, 7, 20)).astype(np.float32)
        outputs = rng.integers(-128, 128, (21, 20), dtype=np.int8)
        scale, zero_point = 0.4, 96
        expected = [
            np.mean(
                [
                    np.mean((x - (y.astype(float) - zero_point) * scale) ** 2)
                    for x, y in zip(a, b, strict=True)
                ]
            )
            for a, b in zip(features, outputs.reshape(3, 7, 20), strict=True)
        ]
        np.testing.assert_allclose(clip_scores(features, outputs, scale, zero_point), expected, rtol=1e-5)

    def test_a_model_that_gives_back_its_input_scores_the_rounding_error(self) -> None:
        features = np.linspace(-10, 10, 2 * 3 * 640, dtype=np.float32).reshape(2, 3, 640)
        outputs = np.round(features / 0.1).astype(np.int8)
        np.testing.assert_allclose(clip_scores(features, outputs, 0.1, 0), 0.1**2 / 12, rtol=0.02)
