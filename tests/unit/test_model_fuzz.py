"""A mutated model ends in an error of ours or in the right result: no crash, no hang, no wrong result."""

from __future__ import annotations

from pathlib import Path

from model_fuzz import GOOD, REFUSED_AT_LOAD, SAME, load, mutations, run_in_child

CHILDREN = 6
"""Of those that can be loaded; ``make fuzz`` runs 2,000, and all of these."""


def test_mutated_models_end_in_an_error_or_the_right_result(tmp_path: Path) -> None:
    ends, loaded = [], []
    for index, data in enumerate(mutations(300, seed=1)):
        path = tmp_path / f"{index}.tflite"
        path.write_bytes(data)
        end = load(path)
        if end is None:
            loaded.append(path)
        else:
            ends.append((path.name, *end))
    assert len(loaded) > 10 * CHILDREN
    ends += [(path.name, *run_in_child(path)) for path in loaded[:: len(loaded) // CHILDREN]]
    assert [end for end in ends if end[1] not in GOOD] == []
    assert {end for _, end, _ in ends} >= {REFUSED_AT_LOAD, SAME}
