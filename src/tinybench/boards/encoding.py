"""What stands on the serial line for a tensor: inputs as the firmware of a task wants them, and its outputs.

Source: ``th_load_tensor`` and ``th_results`` of the reference submissions in mlcommons/tiny.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tinybench.datasets.base import Samples
    from tinybench.models import Model
    from tinybench.specs import SerialSpec

_HALF_DIGIT: Final = 0.0005
"""Of a number with three decimals."""
_SLACK: Final = 1e-5
"""Of float32 sums in another order, relative."""


@dataclass(frozen=True)
class Encoding:
    """How a board of one task is fed with a model's inputs, and what its answers say."""

    serial: SerialSpec
    model: Model
    inputs: NDArray[np.int8]
    """Every inference: (n, *input shape without batch)."""
    features: NDArray[np.float32]
    """What they stand for, in the same order: (n, elements). Where the data set gives no features, those
    that quantise to exactly these inputs."""

    @classmethod
    def of(cls, serial: SerialSpec, model: Model, samples: Samples) -> Encoding:
        """The encoding of all inferences of some samples."""
        inputs = samples.inferences
        if samples.features is not None:
            features = samples.features.reshape(len(inputs), -1)
        else:
            quantised = inputs.reshape(len(inputs), -1).astype(np.float32)
            features = (quantised - np.float32(model.input.zero_point)) * np.float32(model.input.scale)
        return cls(serial, model, inputs, features)

    def input(self, number: int) -> bytes:
        """The bytes of one input, for ``db``."""
        if self.serial.input == "float32":
            return bytes(self.features[number].astype("<f4").tobytes())
        data = bytes(self.inputs[number].tobytes())
        if self.serial.input == "int8":
            return data
        return bytes((np.frombuffer(data, np.uint8) ^ np.uint8(0x80)).tobytes())

    @property
    def values(self) -> int:
        """How many numbers ``m-results-[...]`` holds."""
        return 1 if self.serial.output == "mse" else self.model.output.elements

    def agrees(self, number: int, printed: tuple[float, ...], output: NDArray[np.int8]) -> bool:
        """Whether a printed answer is that of the int8 ``output``, of shape (output elements,), bit for bit.

        Three decimals tell neighbouring int8 values apart where the scale of the output is at least 0.001; of
        a mean squared error they are all there is.
        """
        scale, zero_point = np.float32(self.model.output.scale), np.float32(self.model.output.zero_point)
        values = (output.astype(np.float32) - zero_point) * scale
        if self.serial.output == "mse":
            error = np.mean(np.square(self.features[number] - values), dtype=np.float64)
            return len(printed) == 1 and bool(abs(printed[0] - error) <= _HALF_DIGIT + _SLACK * abs(error))
        wanted = values.astype(np.float64)
        return len(printed) == len(wanted) and bool(
            (np.abs(np.array(printed) - wanted) <= _HALF_DIGIT + _SLACK * np.abs(wanted)).all()
        )

    @property
    def exact(self) -> bool:
        """Whether equal answers mean equal outputs, bit for bit."""
        return self.serial.output == "tensor" and self.model.output.scale > 2 * _HALF_DIGIT * (1 + _SLACK)
