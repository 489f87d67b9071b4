"""What the two vision recipes have in common: smaller images first, SGD, the epoch with the best top-1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.training.fitting import Floats, Recipe, fit, predict, tensorflow
from tinybench.training.release import EvaluationSet

__all__ = ["CRITERION", "HELD_OUT_EVERY", "ImageRecipe", "fit_images"]

CRITERION = "val_top1"
"""Accuracy on the validation set: what chooses the epoch."""
HELD_OUT_EVERY = 20
"""Without a validation set: every so many-th training image chooses the epoch and is not trained on."""


@dataclass(frozen=True)
class ImageRecipe(Recipe):
    """The choices that both recipes have."""

    peak_learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    """L2 on the kernels of convolutions, but for depthwise ones."""
    small_share: float = 0.5
    """Part of the epochs, the first ones, whose images are ``small_side`` pixels wide: half the work."""
    small_side: int = 32

    def is_small(self, epoch: int) -> bool:
        """Whether the images of an epoch are the small ones."""
        return epoch < self.small_share * self.epochs


def fit_images(
    recipe: ImageRecipe,
    work: Path,
    build_model: Callable[[], Any],
    epoch_images: Callable[[int], tuple[NDArray[np.uint8], Floats]],
    inputs: Callable[[NDArray[np.uint8]], Floats],
    validation: EvaluationSet,
    *,
    label_smoothing: float = 0.0,
) -> tuple[Any, list[dict[str, Any]]]:
    """Train a classifier of images, see :func:`tinybench.training.fitting.fit`."""
    keras = tensorflow().keras

    def compiled() -> Any:
        model = build_model()
        model.compile(
            optimizer=keras.optimizers.SGD(recipe.peak_learning_rate, recipe.momentum, nesterov=True),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing),
        )
        return model

    def validate(model: Any) -> dict[str, float]:
        answers = predict(model, validation.inputs).argmax(axis=1)
        return {CRITERION: float(np.mean(answers == validation.labels))}

    return fit(recipe, work, compiled, epoch_images, inputs, validate, CRITERION)
