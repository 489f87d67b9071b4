"""From outputs to accuracy."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench import auc, specs
from tinybench.datasets.base import Samples
from tinybench.errors import UsageError
from tinybench.models import Model
from tinybench.models.reference import load_named
from tinybench.scoring import Accuracy, accuracy
from tinybench.statistics import wilson_interval

TOP1 = specs.task("kws")
AUC = TOP1.model_copy(update={"metric": "auc"})


@pytest.fixture(scope="module")
def model() -> Model:
    return load_named("kws")


def samples(
    labels: list[int] | None,
    *,
    groups: tuple[str, ...] = (),
    features: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None = None,
) -> Samples:
    count = 3 if labels is None else len(labels)
    return Samples(
        split="custom",
        dataset="custom",
        dataset_sha256="0" * 64,
        inputs=np.zeros((count, 2 if features is not None else 1, 4), np.int8),
        names=tuple(f"s{i}" for i in range(count)),
        labels=None if labels is None else np.array(labels),
        groups=groups,
        features=features,
    )


def judged(found: Accuracy | None) -> Accuracy:
    assert found is not None
    return found


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.integers(-128, 127), min_size=3, max_size=3)), min_size=1
    )
)
def test_top1_is_the_share_of_largest_outputs_with_the_right_index(
    rows: list[tuple[int, list[int]]],
) -> None:
    model = load_named("kws")
    outputs = np.array([output for _, output in rows], np.int8)
    found = judged(accuracy(TOP1, model, samples([label for label, _ in rows]), outputs))
    correct = sum(output.index(max(output)) == label for label, output in rows)
    assert found.value == correct / len(rows)
    assert found.ci95 == wilson_interval(correct, len(rows))


def test_top1_keeps_what_each_sample_got(model: Model) -> None:
    found = judged(accuracy(TOP1, model, samples([1, 0]), np.array([[3, 4], [5, -6]], np.int8)))
    assert found.evidence == {"outputs.csv": b"sample,label,output_0,output_1\ns0,1,3,4\ns1,0,5,-6\n"}


def test_samples_without_labels_have_no_accuracy(model: Model) -> None:
    assert accuracy(TOP1, model, samples(None), np.zeros((3, 12), np.int8)) is None


def test_auc_is_over_recordings_and_by_machine(model: Model) -> None:
    rng = np.random.default_rng(3)
    labels = [0, 1, 0, 1, 0, 1, 0]
    groups = ("a", "a", "b", "b", "a", "b", "c")
    features = rng.normal(size=(7, 2, 4)).astype(np.float32)
    outputs = rng.integers(-128, 128, (14, 4), dtype=np.int8)
    given_samples = samples(labels, groups=groups, features=features)
    found = judged(accuracy(AUC, model, given_samples, outputs))

    restored = (outputs.reshape(7, 2, 4).astype(float) - model.output.zero_point) * model.output.scale
    scores = ((features - restored) ** 2).mean(axis=(1, 2))
    pairs = [(scores[a] > scores[n]) for a in (1, 3, 5) for n in (0, 2, 4, 6)]
    assert found.value == np.mean(pairs)
    assert found.ci95 == auc.auc_interval(found.value, 4, 3)
    assert found.note is not None
    first = np.mean([scores[1] > scores[0], scores[1] > scores[4]])
    second = np.mean([scores[3] > scores[2], scores[5] > scores[2]])
    assert found.note == f"by machine: a {first:.4f}, b {second:.4f}", "c has no anomaly"

    rows = list(csv.DictReader(io.StringIO(found.evidence["scores.csv"].decode())))
    np.testing.assert_allclose([float(row["score"]) for row in rows], scores, rtol=1e-5)
    assert [row["group"] for row in rows] == list(groups)


def test_auc_of_one_kind_of_recording_is_refused(model: Model) -> None:
    one_kind = samples([0, 0], features=np.zeros((2, 2, 4), np.float32))
    with pytest.raises(UsageError, match="normal and anomalous"):
        accuracy(AUC, model, one_kind, np.zeros((4, 4), np.int8))
