"""Augmented training features, computed once and kept on disk: an epoch costs only the network's own time."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinybench.datasets import kws
from tinybench.datasets.audio import AUDIO_SUFFIXES, load_audio
from tinybench.datasets.base import Sample
from tinybench.errors import DataError
from tinybench.training.augmentation import AugmentationConfig, augment

__all__ = ["FeatureSet", "augmented_features", "clean_features", "load_noises"]

RECIPE_VERSION = 1
"""Raised when the augmentation code changes what it makes, so that old caches are not read."""

_CLIPS_PER_TASK = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureSet:
    """Features of a set of clips: ``values`` (n, versions, 49, 10), ``labels`` (n,) class indices.

    Augmented training features are kept as float16; what is measured is float32, as in a run.
    """

    values: NDArray[np.floating]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    """``<split>/<label>/<file>`` of each clip, in order."""


def load_noises(folder: Path) -> list[NDArray[np.float32]]:
    """Decode the noise recordings of a folder, sorted by name: each (n,) float32, 16 kHz, over a second."""
    files = sorted(p for p in folder.glob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
    noises = [load_audio(file) for file in files]
    if not noises or min(noise.shape[0] for noise in noises) < kws.CLIP_SAMPLES:
        raise DataError(
            f"{folder}: no noise recordings of a second or more", hint="expected kws/background_noise"
        )
    return noises


def clean_features(folder: Path) -> FeatureSet:
    """Features of the clips of one ``<label>/<file>`` folder as they are: one version each."""
    clips = kws.scan(folder)
    values = kws.features(kws.load(folder, clips))
    return FeatureSet(values[:, None], _labels(clips), _names(folder, clips))


def augmented_features(
    folder: Path, noise_dir: Path, cache_dir: Path, *, versions: int, seed: int, workers: int = 2
) -> FeatureSet:
    """Features of each clip in ``versions`` versions: the first is the clip as it is, the others are
    augmented.

    The random numbers of a clip depend on the seed, its name and the version only, never on its place in
    the list. The result is kept in ``cache_dir`` under a name that holds what it was made from.
    """
    clips = kws.scan(folder)
    names = _names(folder, clips)
    config = AugmentationConfig()
    recipe = json.dumps([RECIPE_VERSION, names, versions, seed, asdict(config)])
    cache = cache_dir / f"{folder.name}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.npy"
    if cache.is_file():
        return FeatureSet(np.load(cache), _labels(clips), names)
    noises = load_noises(noise_dir)
    tasks = [
        (
            folder,
            clips[i : i + _CLIPS_PER_TASK],
            names[i : i + _CLIPS_PER_TASK],
            noises,
            versions,
            seed,
            config,
        )
        for i in range(0, len(clips), _CLIPS_PER_TASK)
    ]
    _log.info("augmenting %d clips of %s, %d versions each", len(clips), folder, versions)
    if workers == 1:
        values = np.concatenate([_augment_task(task) for task in tasks])
    else:
        # Started anew, not forked: TensorFlow's threads may be running already.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            values = np.concatenate(list(pool.map(_augment_task, tasks)))
    cache_dir.mkdir(parents=True, exist_ok=True)
    part = cache.with_suffix(".part.npy")
    np.save(part, values)
    part.replace(cache)
    return FeatureSet(values, _labels(clips), names)


_Task = tuple[Path, Sequence[Sample], Sequence[str], list[NDArray[np.float32]], int, int, AugmentationConfig]


def _augment_task(task: _Task) -> NDArray[np.float16]:
    folder, clips, names, noises, versions, seed, config = task
    waves = np.empty((len(clips), versions, kws.CLIP_SAMPLES), dtype=np.float32)
    for i, (sample, name) in enumerate(zip(clips, names, strict=True)):
        clip = kws.load_clip(folder / sample.file)
        digest = hashlib.sha256(name.encode()).digest()
        rng = np.random.default_rng([seed, int.from_bytes(digest[:8], "little")])
        waves[i, 0] = clip
        for version in range(1, versions):
            waves[i, version] = augment(clip, sample.label, noises, rng, config)
    flat = kws.features(waves.reshape(-1, kws.CLIP_SAMPLES))
    return flat.reshape(len(clips), versions, *kws.FEATURE_SHAPE).astype(np.float16)


def _labels(clips: Sequence[Sample]) -> NDArray[np.int64]:
    return np.array([clip.label for clip in clips], dtype=np.int64)


def _names(folder: Path, clips: Sequence[Sample]) -> tuple[str, ...]:
    return tuple(f"{folder.name}/{clip.file}" for clip in clips)
