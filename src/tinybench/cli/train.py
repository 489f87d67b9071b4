"""Train a reference model with its recipe (needs the extra `train`)."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import click


@click.group()
def command() -> None:
    """Train a reference model with its recipe; needs pip install 'tinybench-suite[train]'."""


@command.command()
@click.option(
    "--data",
    "data_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with train, val and test (each one folder of clips per label) and background_noise.",
)
@click.option(
    "--out",
    "out_dir",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Where the model, its scores and the checkpoint go; a stopped run goes on from there.",
)
@click.option(
    "--synthetic",
    "synthetic_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Clips of synthetic voices, from python -m tinybench.training.synthesis --set train.",
)
@click.option("--epochs", type=click.IntRange(min=1), help="How many epochs; the recipe's number by default.")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of everything random; the recipe's by default."
)
def kws(
    data_dir: Path, out_dir: Path, synthetic_dir: Path | None, epochs: int | None, seed: int | None
) -> None:
    """Train the keyword spotting model: DS-CNN, int8.

    Writes kws_dscnn_int8.tflite, model.toml, scores.json, history.json and calibration.txt to --out.
    """
    from tinybench import specs
    from tinybench.training.kws import TrainingConfig, train

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    recipe = TrainingConfig()
    config = replace(
        recipe,
        epochs=recipe.epochs if epochs is None else epochs,
        seed=recipe.seed if seed is None else seed,
    )
    task = specs.task("kws")
    smoke = None if task.splits.smoke is None else task.folder / task.splits.smoke.folder
    result = train(data_dir, out_dir, config, synthetic_dir=synthetic_dir, smoke_dir=smoke)
    for score in result.scores:
        low, high = score.ci95
        interval = f"({low:.2%} to {high:.2%}, n = {score.samples})"
        click.echo(f"{score.data:6} {score.precision:8} {score.value:7.2%}  {interval}")
    click.echo(f"epoch {result.best_epoch}, {result.model_path}")
