"""Golden vectors: inputs made by the project and the outputs of a task's reference model.

Whatever executes the reference model (runner, board, NPU) can prove itself with them, without any data set:
bytes in, bytes out. ``tasks/<id>/golden.json`` holds 16 of them; ``python -m tinybench.training.golden``
writes it.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinybench.datasets.base import FrontEnd, Samples
from tinybench.errors import ContentError
from tinybench.specs import Sha256, first_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tinybench.models import Model
    from tinybench.specs import TaskSpec

FILE = "golden.json"

Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Vector(_Frozen):
    """One input and its output: int8 values in C order, as two's complement bytes in base64."""

    name: str
    input: Base64
    output: Base64


class Golden(_Frozen):
    """``tasks/<id>/golden.json``."""

    format: Literal["tinybench.golden/1"] = "tinybench.golden/1"
    task: str
    model_sha256: Sha256
    """The model that gives these outputs."""
    scale: Annotated[float, Field(gt=0)]
    """Of its input tensor, with ``zero_point``: what the int8 inputs stand for."""
    zero_point: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    vectors: Annotated[tuple[Vector, ...], Field(min_length=1)]

    def inputs(self) -> NDArray[np.int8]:
        """All inputs: int8 (n, *input_shape)."""
        return _stack([vector.input for vector in self.vectors], self.input_shape)

    def outputs(self) -> NDArray[np.int8]:
        """All outputs: int8 (n, output elements)."""
        return _stack([vector.output for vector in self.vectors], (-1,))

    def to_json(self) -> bytes:
        """The bytes of the file: one vector in each line, one final newline."""
        head = self.model_dump_json(exclude={"vectors"})
        lines = ",\n".join(vector.model_dump_json() for vector in self.vectors)
        return f'{head[:-1]},"vectors":[\n{lines}\n]}}\n'.encode()


def vector(name: str, data: NDArray[np.int8], output: NDArray[np.int8]) -> Vector:
    """A vector from arrays of any shape."""
    encoded = (base64.b64encode(values.tobytes()).decode() for values in (data, output))
    return Vector(name=name, input=next(encoded), output=next(encoded))


def read(task: TaskSpec) -> Golden:
    """The golden vectors of a task.

    Raises:
        ContentError: the file is missing or does not fit the task; the message names it.
    """
    return read_from(task.folder / FILE, task)


def read_from(path: Path, task: TaskSpec) -> Golden:
    """Golden vectors of a task that lie elsewhere. Errors as in ``read``."""
    try:
        found = Golden.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ContentError(f"{path}: cannot be read ({error.strerror})", hint="restore the file") from error
    except ValidationError as error:
        raise ContentError(f"{path}: {first_error(error)}", hint="restore the file") from None
    for key, wanted in (
        ("task", task.id),
        ("input_shape", task.input_shape),
        ("output_shape", task.output_shape),
    ):
        if getattr(found, key) != wanted:
            raise ContentError(f"{path}: {key}: is not that of the task", hint="restore the file")
    try:
        found.inputs(), found.outputs().reshape(-1, *found.output_shape)
    except ValueError:
        raise ContentError(f"{path}: a vector has a wrong length", hint="restore the file") from None
    return found


def samples(task: TaskSpec, model: Model, front_end: FrontEnd, limit: int | None = None) -> Samples:
    """The golden inputs as samples without labels, in the model's own scale.

    The model that they were made with gets its bytes as they are, and is expected to give the recorded
    outputs. Another model gets the same values in its scale, and nothing is expected of it.
    """
    import numpy as np

    golden = read(task)
    inputs = golden.inputs()[:limit]
    same = model.sha256 == golden.model_sha256
    if not same:
        values = (inputs.astype(np.float32) - golden.zero_point) * np.float32(golden.scale)
        inputs = front_end.quantize(values, model.input.scale, model.input.zero_point)
    return Samples(
        split="golden",
        dataset=f"{task.id}-golden",
        dataset_sha256=hashlib.sha256(golden.to_json()).hexdigest(),
        inputs=inputs[:, None],
        names=tuple(vector.name for vector in golden.vectors[:limit]),
        labels=None,
        expected=golden.outputs()[:limit] if same else None,
    )


def _stack(parts: list[str], shape: tuple[int, ...]) -> NDArray[np.int8]:
    import numpy as np

    return np.stack([np.frombuffer(base64.b64decode(part), np.int8).reshape(shape) for part in parts])
