"""One process of the pool: ``python -m tinybench.runners.worker``.

It reads pickles from standard input, first the class of an interpreter and a model, then arrays of inputs,
and answers each array with the outputs, or with the error, on standard output. It ends with its input: when
whoever started it is gone, for whatever reason, it is too.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys

from tinybench.errors import TinybenchError


def main() -> None:
    """Answer until standard input ends."""
    # Ctrl-C goes to every process of the terminal; the one that started this one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders = sys.stdin.buffer
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what native code prints must not get between the answers
        kind, model = pickle.load(orders)
        interpreter = kind(model)
        while True:
            try:
                inputs = pickle.load(orders)
            except EOFError:
                return
            try:
                answer = interpreter.run(inputs)
            except TinybenchError as error:
                answer = error
            pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


if __name__ == "__main__":
    main()
