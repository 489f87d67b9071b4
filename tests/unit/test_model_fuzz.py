"""A mutated model ends in an error of ours or in the right result: no crash, no hang, no wrong result."""

from __future__ import annotations

from pathlib import Path

from model_fuzz import lowers, mutations, run_in_child

RUN = 6
"""Of those that survive lowering; ``python tests/model_fuzz.py 2000`` runs all."""


def test_mutated_models_end_in_an_error_or_the_right_result(tmp_path: Path) -> None:
    survivors = []
    for index, data in enumerate(mutations(300, seed=1)):
        path = tmp_path / f"{index}.tflite"
        path.write_bytes(data)
        if lowers(path):
            survivors.append(path)
    assert len(survivors) > RUN
    ends = {path.name: run_in_child(path) for path in survivors[:RUN]}
    assert set(ends.values()) <= {"same", "refused"}, ends
    assert "same" in ends.values()
