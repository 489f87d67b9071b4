"""The same int8 inputs everywhere: what NumPy, SciPy and the audio decoder make of the smoke split, pinned.

Accuracy and the id of a result depend on them, and these packages are not pinned exactly for users.
"""

from __future__ import annotations

import hashlib

from tinybench import specs
from tinybench.datasets.samples import load_samples

GOLDEN = "8e8b7d83be33ba97d1e0cf50f89724d04897d85e7fe7582eebcfea448dc8d9e5"


def test_the_inputs_of_the_smoke_split_are_the_pinned_ones() -> None:
    # The input quantisation of the MLPerf Tiny reference model.
    samples = load_samples(specs.task("kws"), "smoke", scale=0.5847029, zero_point=83, limit=None)
    assert hashlib.sha256(samples.inputs.tobytes()).hexdigest() == GOLDEN
