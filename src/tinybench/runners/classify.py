"""Running every input of a split through an interpreter: on all cores, and resumed where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinybench.models import Model
from tinybench.processes import cores
from tinybench.progress import Progress, silent
from tinybench.runners.checkpoint import Checkpoint
from tinybench.runners.pool import run_parallel

PART = 32
"""Inputs in a part: what one process is given at a time, and what a checkpoint counts in."""
_TRIAL_S = 0.3
"""So long one process works alone, to see how long the rest would take it."""
_WORTH_S = 2.0
"""Others are started for a rest that takes longer: starting them costs about half a second."""
_SAVE_S = 10.0


class Interpreter(Protocol):
    """Executes one model. Its outputs depend on the input alone, not on what it ran before."""

    model: Model
    version: str
    """Package and version: with another one, outputs may be others."""

    def __init__(self, model: Model) -> None: ...

    def run(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """Outputs, int8 of shape (n, output elements), for inputs of shape (n, *input without batch)."""
        ...


def classify(
    interpreter: Interpreter,
    inputs: NDArray[np.int8],
    progress: Progress = silent,
    *,
    processes: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> NDArray[np.int8]:
    """Outputs of all inputs, the same bytes as ``interpreter.run(inputs)``.

    What takes long is shared out among processes. What is stopped is kept in the cache, and the next call
    with the same model, inputs and version goes on from there.

    Args:
        interpreter: runs the model; others like it are made in other processes.
        inputs: int8 of shape (n, *input without batch).
        progress: called as ``("classifying", inputs done, inputs)``.
        processes: how many at most; as many as there are cores if not given.
        clock: seconds.

    Returns:
        int8 of shape (n, output elements).

    Raises:
        WorkerError: a process ended.
        TinybenchError: what the interpreter raised.
    """
    model, total = interpreter.model, len(inputs)
    parts = split(total)
    shape = (total, model.output.elements)
    checkpoint = Checkpoint(shape, len(parts), interpreter.version, model.sha256, inputs)
    outputs, done = checkpoint.load()
    pending = {number: inputs[part] for number, part in enumerate(parts) if number not in done}
    finished = sum(part.stop - part.start for number, part in enumerate(parts) if number in done)
    progress("classifying", finished, total)
    saved_at = clock()
    try:
        with closing(_run(interpreter, pending, processes or cores(), clock)) as found:
            for number, values in found:
                outputs[parts[number]] = values
                done.add(number)
                finished += len(values)
                progress("classifying", finished, total)
                if clock() - saved_at >= _SAVE_S:
                    checkpoint.save(outputs, done)
                    saved_at = clock()
    except BaseException:
        if done:
            checkpoint.save(outputs, done)
        raise
    checkpoint.remove()
    return outputs


def split(total: int) -> list[slice]:
    """Consecutive parts of ``total`` inputs, each of ``PART``, the last one of what is left."""
    return [slice(start, min(start + PART, total)) for start in range(0, total, PART)]


def _run(
    interpreter: Interpreter,
    pending: dict[int, NDArray[np.int8]],
    processes: int,
    clock: Callable[[], float],
) -> Generator[tuple[int, NDArray[np.int8]]]:
    """Part after part in this process; in others too, if the rest is worth it."""
    began, alone = clock(), 0
    while pending:
        number = min(pending)
        yield number, interpreter.run(pending.pop(number))
        alone += 1
        elapsed_s = clock() - began
        rest_s = elapsed_s / alone * len(pending)
        if processes > 1 and elapsed_s >= _TRIAL_S and rest_s >= _WORTH_S:
            yield from run_parallel(interpreter, pending, processes)
            return
