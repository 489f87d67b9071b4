"""Train a reference model with its recipe (needs the extra `train`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tinybench.training.fitting import Recipe
    from tinybench.training.release import TrainingResult

    AnyRecipe = TypeVar("AnyRecipe", bound=Recipe)


@click.group()
def command() -> None:
    """Train a reference model with its recipe; needs pip install 'tinybench-suite[train]'."""


def _options(data_help: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of every recipe."""
    options = (
        click.option(
            "--data",
            "data_dir",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            required=True,
            help=data_help,
        ),
        click.option(
            "--out",
            "out_dir",
            type=click.Path(file_okay=False, path_type=Path),
            required=True,
            help="Where the model, its scores and the checkpoint go; a stopped run goes on from there.",
        ),
        click.option(
            "--epochs", type=click.IntRange(min=1), help="How many epochs; the recipe's number by default."
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), help="Seed of everything random; the recipe's by default."
        ),
    )

    def add(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            function = option(function)
        return function

    return add


@command.command()
@_options("Folder with train, val and test (each one folder of clips per label) and background_noise.")
@click.option(
    "--synthetic",
    "synthetic_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Clips of synthetic voices, from python -m tinybench.training.synthesis --set train.",
)
def kws(data_dir: Path, out_dir: Path, synthetic_dir: Path | None, **choices: Any) -> None:
    """Train the keyword spotting model: DS-CNN, int8.

    Writes kws_dscnn_int8.tflite, model.toml, scores.json, history.json, calibration.txt and confusion.svg to
    --out.
    """
    from tinybench import specs
    from tinybench.training.kws import TrainingConfig, train

    config = _begin(TrainingConfig(), **choices)
    task = specs.task("kws")
    smoke = task.folder / task.splits.smoke.folder if task.splits.smoke else None
    _report(train(data_dir, out_dir, config, synthetic_dir=synthetic_dir, smoke_dir=smoke))


@command.command()
@_options("CIFAR-10: its python batches, or folders train/CLASS and test/CLASS, or mosaics train_CLASS.png.")
def ic(data_dir: Path, out_dir: Path, **choices: Any) -> None:
    """Train the image classification model: ResNet-8, int8.

    Writes ic_resnet8_int8.tflite, model.toml, scores.json, history.json, calibration.txt and confusion.svg to
    --out.
    """
    from tinybench.training.ic import TrainingConfig, train

    config = _begin(TrainingConfig(), **choices)
    _report(train(data_dir, out_dir, config))


@command.command()
@_options("Folders train, val and test, each with person and no_person, or the official archive, unpacked.")
def vww(data_dir: Path, out_dir: Path, **choices: Any) -> None:
    """Train the visual wake words model: MobileNetV1 0.25, int8.

    Writes vww_mobilenetv1_int8.tflite, model.toml, scores.json, history.json, calibration.txt and
    confusion.svg to --out.
    """
    from tinybench.training.vww import TrainingConfig, train

    config = _begin(TrainingConfig(), **choices)
    _report(train(data_dir, out_dir, config))


@command.command()
@_options("ToyCar of DCASE 2020 (folders train and test), or folders normal and anomaly of recordings.")
def ad(data_dir: Path, out_dir: Path, **choices: Any) -> None:
    """Train the anomaly detection model: autoencoder, int8.

    It learns from normal recordings only. Where there are fewer than ten real anomalies, others are injected
    into normal recordings that took no part in training, and the areas under the curve are of those.

    Writes ad_autoencoder_int8.tflite, model.toml, scores.json, history.json, split.json, calibration.txt and
    roc.svg to --out.
    """
    from tinybench.training.ad import TrainingConfig, train

    result = train(data_dir, out_dir, _begin(TrainingConfig(), **choices))
    width = max(len(score.data) for score in result.scores)
    for score in result.scores:
        low, high = score.ci95
        counts = f"{score.samples - score.anomalous} normal, {score.anomalous} anomalous"
        click.echo(
            f"{score.data:{width}} {score.precision:8} {score.value:.4f}  ({low:.4f} to {high:.4f}; {counts})"
        )
    click.echo(f"epoch {result.best_epoch}, {result.model_path}")


def _begin(recipe: AnyRecipe, epochs: int | None, seed: int | None) -> AnyRecipe:
    """Show the log, and change the recipe as the options say."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return replace(
        recipe,
        epochs=recipe.epochs if epochs is None else epochs,
        seed=recipe.seed if seed is None else seed,
    )


def _report(result: TrainingResult) -> None:
    width = max(len(score.data) for score in result.scores)
    for score in result.scores:
        low, high = score.ci95
        interval = f"({low:.2%} to {high:.2%}, n = {score.samples})"
        click.echo(f"{score.data:{width}} {score.precision:8} {score.value:7.2%}  {interval}")
    click.echo(f"epoch {result.best_epoch}, {result.model_path}")
