"""Checks of the front end of a task: it reads samples, and turns them into what the model takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinybench.datasets.registry import PLUGINS
from tinybench.errors import TinybenchError
from tinybench.specs import TaskSpec
from tinybench.testing import checks
from tinybench.testing.checks import NotMadeError, Seen, described, observed, require

STIMULI: Final = 16
_RELATIVE: Final = 1e-4
"""What rounding may move a feature by, in parts of the largest: sums in another order."""


class Trials:
    """A front end, its task, and the features of its own stimuli."""

    def __init__(self, front_end: Any, task: TaskSpec) -> None:
        self.front_end = front_end
        self.task = task
        self.seen: list[Seen] = []

    @cached_property
    def raw(self) -> NDArray[Any]:
        """All stimuli, one after the other."""
        with observed() as seen:
            self.seen.append(seen)
            return np.stack(list(self.front_end.stimuli().values()))

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """Their features."""
        return self.features_of(self.raw)

    def features_of(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Features of some."""
        with observed() as seen:
            self.seen.append(seen)
            values: NDArray[np.float32] = self.front_end.features(raw.copy())
        return values

    @property
    def sound(self) -> NDArray[np.float32]:
        """The features, if they are what the task says."""
        if not _fit(self):
            raise NotMadeError("the features come first")
        return self.features


def has_all_parts(trials: Trials) -> None:
    """It has what the protocol has."""
    checks.require_parts(PLUGINS, trials.front_end)


def states_its_interface(trials: Trials) -> None:
    """It states the interface that is spoken here."""
    checks.require_interface(PLUGINS, trials.front_end)


def has_the_labels_of_the_task(trials: Trials) -> None:
    """LABELS are those of task.toml, in the same order."""
    labels, wanted = trials.front_end.LABELS, trials.task.labels
    require(labels == wanted, f"LABELS are {labels!r}, and those of the task {wanted!r}")


def has_sixteen_stimuli(trials: Trials) -> None:
    """stimuli() makes sixteen inputs, the same ones each time."""
    require(len(trials.raw) == STIMULI, f"stimuli() makes {len(trials.raw)} inputs, not {STIMULI}")
    with observed() as seen:
        trials.seen.append(seen)
        again = np.stack(list(trials.front_end.stimuli().values()))
    require(np.array_equal(trials.raw, again), "stimuli() makes other inputs the second time")


def makes_the_inputs_of_the_task(trials: Trials) -> None:
    """features() gives float32, as many values a sample as one or several inputs have."""
    shape = list(trials.task.input_shape)
    values = trials.features
    require(_fit(trials), f"features are {values.dtype} of shape {list(values.shape)}; an input is {shape}")


def _fit(trials: Trials) -> bool:
    values = trials.features
    each, rest = divmod(values.size, len(trials.raw) * math.prod(trials.task.input_shape))
    return values.dtype == np.float32 and each > 0 and rest == 0 and bool(np.isfinite(values).all())


def looks_at_each_sample_alone(trials: Trials) -> None:
    """The features of a sample are the same, whatever others are in the batch, and each time."""
    values = trials.sound.reshape(len(trials.raw), -1)
    slack = _RELATIVE * float(np.abs(values).max())
    for index in range(len(trials.raw)):
        alone = trials.features_of(trials.raw[index : index + 1]).reshape(-1)
        require(
            alone.shape == values[index].shape and bool((np.abs(alone - values[index]) <= slack).all()),
            f"the features of stimulus {index} are others when it comes alone",
        )


def quantises_to_int8(trials: Trials) -> None:
    """quantize() gives int8: value / scale + zero point, rounded or cut, and -128 or 127 outside of it."""
    shape = trials.sound.shape
    ramp = np.linspace(-300, 300, math.prod(shape), dtype=np.float32).reshape(shape)
    scale, zero_point = 0.5, 3
    with observed() as seen:
        trials.seen.append(seen)
        found = np.asarray(trials.front_end.quantize(ramp * np.float32(scale), scale, zero_point))
    require(found.dtype == np.int8 and found.size == ramp.size, f"it gives {found.dtype} {list(found.shape)}")
    wanted = np.clip(ramp.astype(np.float64) + zero_point, -128, 127)
    off = np.abs(found.reshape(shape).astype(np.float64) - wanted)
    worst = int(np.argmax(off))
    require(
        off.max() < 1 + _RELATIVE,
        f"{ramp.flat[worst]:g} steps become {found.flat[worst]}, and not {wanted.flat[worst]:.0f}",
    )


def refuses_what_is_no_data(trials: Trials) -> None:
    """scan() of a folder that is not there ends in a TinybenchError; one that is empty has no samples."""
    with TemporaryDirectory() as folder:
        for what, path in (("a folder that is not there", "absent"), ("an empty folder", "")):
            try:
                with observed() as seen:
                    trials.seen.append(seen)
                    found = trials.front_end.scan(Path(folder) / path)
            except TinybenchError:
                continue
            except Exception as error:
                raise AssertionError(f"{what} ends in {described(error)}, no TinybenchError") from None
            require(not path and len(found) == 0, f"scan() of {what} gives {found!r}")


def prints_nothing(trials: Trials) -> None:
    """Nothing is written to standard output or error: the command line does that."""
    checks.require_quiet(trials.seen)


def leaves_no_files(trials: Trials) -> None:
    """Nothing is left in the working folder, which is the user's."""
    checks.require_tidy(trials.seen)


CHECKS: Final[tuple[Callable[[Trials], None], ...]] = (
    has_all_parts,
    states_its_interface,
    has_the_labels_of_the_task,
    has_sixteen_stimuli,
    makes_the_inputs_of_the_task,
    looks_at_each_sample_alone,
    quantises_to_int8,
    refuses_what_is_no_data,
    prints_nothing,
    leaves_no_files,
)
