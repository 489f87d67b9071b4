"""The conformance kit finds each fault of a front end by the one check that is about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tinybench import specs
from tinybench.datasets import ad, ic, kws, vww
from tinybench.datasets.base import Sample
from tinybench.errors import DataError
from tinybench.testing import check_task
from tinybench.testing.checks import outcomes
from tinybench.testing.task import CHECKS, Trials


class Pixels:
    """A front end for the image task: pixels as they are, from 0 to 255."""

    interface = 1
    LABELS: Any = ic.LABELS

    def scan(self, root: Path) -> list[Sample]:
        if not root.is_dir():
            raise DataError(f"{root}: is not there")
        return [Sample(path.name, path.name, 0) for path in sorted(root.iterdir())]

    def load(self, root: Path, samples: Sequence[Sample]) -> NDArray[Any]:
        return np.stack([np.frombuffer((root / sample.file).read_bytes(), np.uint8) for sample in samples])

    def features(self, raw: NDArray[Any]) -> NDArray[Any]:
        return raw.astype(np.float32)

    def stimuli(self) -> dict[str, NDArray[Any]]:
        random = np.random.default_rng(1)
        return {f"noise-{k}": random.integers(0, 256, (32, 32, 3), np.uint8) for k in range(16)}

    def quantize(self, values: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[Any]:
        return np.clip(np.round(values / scale) + zero_point, -128, 127).astype(np.int8)


class WithoutLoad(Pixels):
    load = property()  # type: ignore[assignment]


class OfTomorrow(Pixels):
    interface = 2


class InOtherOrder(Pixels):
    LABELS = tuple(reversed(ic.LABELS))


class Few(Pixels):
    def stimuli(self) -> dict[str, NDArray[Any]]:
        return dict(list(super().stimuli().items())[:3])


class Random(Pixels):
    def stimuli(self) -> dict[str, NDArray[Any]]:
        noise = np.random.default_rng().integers(0, 256, (16, 32, 32, 3), np.uint8)
        return {f"noise-{k}": image for k, image in enumerate(noise)}


class Cropping(Pixels):
    def features(self, raw: NDArray[Any]) -> NDArray[Any]:
        return raw[:, :31].astype(np.float32)


class Precise(Pixels):
    def features(self, raw: NDArray[Any]) -> NDArray[Any]:
        return raw.astype(np.float64)


class Undefined(Pixels):
    def features(self, raw: NDArray[Any]) -> NDArray[Any]:
        return np.full(raw.shape, np.nan, np.float32)


class Relative(Pixels):
    """Brightness against that of the batch."""

    def features(self, raw: NDArray[Any]) -> NDArray[Any]:
        return (raw - raw.mean()).astype(np.float32)


class Wrapping(Pixels):
    def quantize(self, values: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[Any]:
        return (np.round(values / scale) + zero_point).astype(np.int64).astype(np.int8)


class Symmetric(Pixels):
    def quantize(self, values: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[Any]:
        return super().quantize(values, scale, 0)


class Unsigned(Pixels):
    def quantize(self, values: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[Any]:
        return super().quantize(values, scale, zero_point).view(np.uint8)


class Trusting(Pixels):
    def scan(self, root: Path) -> list[Sample]:
        return [Sample(path.name, path.name, 0) for path in sorted(root.iterdir())]


class Imagining(Pixels):
    def scan(self, root: Path) -> list[Sample]:
        super().scan(root)
        return [Sample("cat", "cat.png", 3)]


class Talking(Pixels):
    def features(self, raw: NDArray[Any]) -> NDArray[Any]:
        print("working")
        return super().features(raw)


class Littering(Pixels):
    def stimuli(self) -> dict[str, NDArray[Any]]:
        Path("noise.npy").touch()
        return super().stimuli()


def failed(front_end: object) -> dict[str, str]:
    trials = Trials(front_end, specs.task("ic"))
    return {found.check: found.said for found in outcomes(CHECKS, trials) if found.verdict == "failed"}


def test_a_good_one_conforms() -> None:
    check_task(Pixels(), specs.task("ic"))


@pytest.mark.parametrize("module", [ad, ic, kws, vww], ids=lambda module: module.__name__)
def test_those_that_are_built_in_conform(module: Any) -> None:
    check_task(module, specs.task(module.__name__.rpartition(".")[2]))


@pytest.mark.parametrize(
    ("front_end", "check", "says"),
    [
        (WithoutLoad, "has-all-parts", "it has no load"),
        (OfTomorrow, "states-its-interface", "it was made for interface 2"),
        (InOtherOrder, "has-the-labels-of-the-task", "LABELS are ('truck',"),
        (Few, "has-sixteen-stimuli", "makes 3 inputs"),
        (Random, "has-sixteen-stimuli", "other inputs the second time"),
        (Cropping, "makes-the-inputs-of-the-task", "shape [16, 31, 32, 3]; an input is [32, 32, 3]"),
        (Precise, "makes-the-inputs-of-the-task", "float64"),
        (Undefined, "makes-the-inputs-of-the-task", "features are"),
        (Relative, "looks-at-each-sample-alone", "others when it comes alone"),
        (Wrapping, "quantises-to-int8", "steps become 127, and not -128"),
        (Symmetric, "quantises-to-int8", "steps become"),
        (Unsigned, "quantises-to-int8", "uint8"),
        (Trusting, "refuses-what-is-no-data", "ends in FileNotFoundError"),
        (Imagining, "refuses-what-is-no-data", "an empty folder gives"),
        (Talking, "prints-nothing", "working"),
        (Littering, "leaves-no-files", "noise.npy"),
    ],
)
def test_a_fault_is_found_by_its_own_check(front_end: type[Pixels], check: str, says: str) -> None:
    found = failed(front_end())
    assert list(found) == [check]
    assert says in found[check]


def test_every_check_has_a_fault_that_it_finds() -> None:
    (mark,) = test_a_fault_is_found_by_its_own_check.pytestmark  # type: ignore[attr-defined]
    assert {case[1] for case in mark.args[1]} == {check.__name__.replace("_", "-") for check in CHECKS}
