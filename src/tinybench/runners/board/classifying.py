"""Accuracy: every input of the split once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tinybench.boards.dut import GarbledError
from tinybench.runners.board.run import Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KIND = "accuracy"


def classify_all(run: Run, expected: NDArray[np.int8] | None) -> None:
    """Execute the inputs that are not done.

    Args:
        run: the board.
        expected: outputs of the official interpreter, int8 of shape (n, output elements); None if there are
            none.

    Raises:
        BoardError: the board is gone, or does not answer rightly.
    """
    done, total = run.session.records(KIND), len(run.encoding.inputs)
    _, expected_s = run.pace("performance")
    for number in range(total):
        run.progress("inferences on the board", number, total)
        if number in done:
            continue
        run.say(f"{KIND} {number + 1} input {run.sample(number)}")
        ask = partial(_ask, run, number, expected_s)
        # Where nothing tells what is right, the input has to be.
        first = values = run.attempt(partial(ask, verify=expected is None))
        if expected is not None and not run.encoding.agrees(number, values, expected[number]):
            # Either its kernels round otherwise, or a byte was changed on the way and it was not this input.
            run.say("not TFLite Micro's output: once more, with the input compared")
            values = run.attempt(partial(ask, verify=True))
        run.session.keep(KIND, number, values=values, again=values != first)
    run.progress("inferences on the board", total, total)


def _ask(run: Run, number: int, expected_s: float | None, *, verify: bool) -> tuple[float, ...]:
    dut, encoding = run.desk.dut, run.encoding
    dut.load(encoding.input(number), verify=verify)
    found = dut.infer(1, 0, expected_s=expected_s)
    if found.results is None or len(found.results) != encoding.values:
        given = 0 if found.results is None else len(found.results)
        raise GarbledError(
            f"{run.bench.port}: the board gives {given} of the {encoding.values} results of an inference",
            hint="is its firmware that of this task?",
        )
    return found.results
