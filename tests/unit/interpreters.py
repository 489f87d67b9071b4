"""Interpreters that misbehave, in a module that a worker process can import."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import ModelError
from tinybench.models import Model

MAIN = "TINYBENCH_TEST_MAIN"
"""Environment variable with the process that is no worker."""
PIPE = "TINYBENCH_TEST_PIPE"


class Reverser:
    """Gives back the first values of each input, last one first."""

    version = "reverser 1"
    calls = 0

    def __init__(self, model: Model) -> None:
        self.model = model

    def run(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        type(self).calls += 1
        if os.environ.get(MAIN, str(os.getpid())) != str(os.getpid()):
            self.in_worker()
        flat = inputs.reshape(len(inputs), -1)[:, : self.model.output.elements]
        return np.ascontiguousarray(flat[:, ::-1])

    def in_worker(self) -> None:
        """What goes wrong."""


class Crash(Reverser):
    def in_worker(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)


class Bug(Reverser):
    def in_worker(self) -> None:
        raise RuntimeError("out of spoons")


class Refusal(Reverser):
    def in_worker(self) -> None:
        raise ModelError("no such operator", hint="use another one")


class Chatter(Reverser):
    def in_worker(self) -> None:
        os.write(1, b"native code prints\n")


class Stuck(Reverser):
    """Says who it is, then waits for good."""

    def in_worker(self) -> None:
        with Path(os.environ[PIPE]).open("wb", buffering=0) as pipe:
            pipe.write(b"%d\n" % os.getpid())
        signal.pause()


class Told(Reverser):
    """Says who it is."""

    def in_worker(self) -> None:
        with Path(os.environ[PIPE]).open("ab") as file:
            file.write(b"%d\n" % os.getpid())
