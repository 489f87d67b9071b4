"""The official TFLite Micro interpreter, on the host: the truth that each simulated output must equal."""

from __future__ import annotations

import os
import re
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import ModelError
from tinybench.mcusim.lower import lower
from tinybench.models import Model
from tinybench.results.record import installed_version

_PACKAGE = "tflite-micro"
_ARENA_BYTES = 16 * 2**20
"""More than any device has; what is used of it is read back."""


class Interpreter:
    """TFLite Micro with its reference kernels.

    It takes a model at its word: shapes that do not fit each other make it read and write beyond tensors or
    divide by zero. So only what the simulator's checks let through is given to it.

    Raises:
        UnsupportedOperatorError: an operator, its options or its shapes are not what the simulator knows.
        ModelError: the interpreter refuses the model.
    """

    def __init__(self, model: Model) -> None:
        from tflite_micro.python.tflite_micro import runtime

        lower(model)
        self.model = model
        self.version = f"{_PACKAGE} {installed_version(_PACKAGE)}"
        with native_stderr() as said:
            try:
                self._interpreter = runtime.Interpreter.from_bytes(model.data, arena_size=_ARENA_BYTES)
            except RuntimeError as error:
                raise self._refused(said() or str(error)) from None
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error):
                # The package unpacks all of the file, also what neither it nor this project needs.
                raise self._refused("the file is corrupt") from None

    def run(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """Outputs, int8 of shape (n, output elements), for inputs of shape (n, *input without batch)."""
        outputs = np.empty((len(inputs), self.model.output.elements), np.int8)
        for index, data in enumerate(inputs):
            self._interpreter.set_input(data.reshape(self.model.input.shape), 0)
            try:
                self._interpreter.invoke()
            except RuntimeError as error:
                raise self._refused(str(error)) from None
            outputs[index] = self._interpreter.get_output(0).ravel()
        return outputs

    def _refused(self, said: str) -> ModelError:
        reason = said.strip().splitlines() or ["no reason given"]
        return ModelError(
            f"{self.model.path}: TFLite Micro refuses it: {reason[0]}",
            hint="export the model for TFLite Micro",
        )

    def arena_bytes(self) -> int:
        """Bytes of the tensor arena that the interpreter used.

        Its bookkeeping holds 64-bit pointers here, so that a 32-bit target needs somewhat less.
        """
        with native_stderr() as said:
            self._interpreter.print_allocations()  # the package has no other way to tell
            found = re.search(r"Arena allocation total (\d+) bytes", said())
        if found is None:
            raise ModelError(
                f"{self.model.path}: TFLite Micro does not tell its arena", hint="run 'tinybench doctor'"
            )
        return int(found.group(1))


@contextmanager
def native_stderr() -> Iterator[Callable[[], str]]:
    """Catch what native code writes to standard error; gives a function that returns it so far."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)

        def said() -> str:
            file.seek(0)
            return file.read().decode("utf-8", "replace")

        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
