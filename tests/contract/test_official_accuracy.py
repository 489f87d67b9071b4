"""MLPerf Tiny's image models on real images, through this project's front ends: accuracy as it is known."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tinybench.datasets import ic, vww
from tinybench.models import Model
from tinybench.runners.classify import classify

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from cifar_fixtures import write_cifar


def top1(model: Path, inputs: NDArray[np.int8], labels: Sequence[int]) -> float:
    """By LiteRT: TFLite Micro takes a hundred times as long for this many images."""
    pytest.importorskip("ai_edge_litert", reason="the extra litert is not installed")
    from tinybench.runners.litert import Interpreter

    outputs = classify(Interpreter(Model.load(model)), inputs)
    return float((outputs.argmax(axis=1) == np.array(labels)).mean())


def test_the_ten_thousand_test_images_of_cifar_10(shared_data: Path, tmp_path: Path) -> None:
    tiles, names, truth = [], [], []
    for label, name in enumerate(ic.LABELS):
        with Image.open(shared_data / "ic" / f"test_{name}.webp") as mosaic:
            pixels = np.asarray(mosaic.convert("RGB"))
        tiles.append(pixels.reshape(20, 32, 50, 32, 3).swapaxes(1, 2).reshape(1000, 32, 32, 3))
        names += [f"{name}_s_{number:06d}.png" for number in range(1000)]
        truth += [label] * 1000
    folder = write_cifar(tmp_path / "cifar-10-batches-py", np.concatenate(tiles), truth, names)
    samples = ic.scan(folder)
    assert len(samples) == 10_000
    inputs = ic.quantize(ic.features(ic.load(folder, samples)), 1.0, -128)[:, 0]
    found = top1(
        shared_data / "mlperf_models/pretrainedResnet_quant.tflite", inputs, [s.label for s in samples]
    )
    assert found == pytest.approx(0.870, abs=0.003)


def test_photos_with_and_without_persons(shared_data: Path) -> None:
    """Not the official images, so that no published figure is expected: 81.1 % were measured once."""
    root = shared_data / "vww/test"
    samples = vww.scan(root)
    inputs = vww.quantize(vww.features(vww.load(root, samples)), 1 / 255, -128)[:, 0]
    found = top1(shared_data / "mlperf_models/vww_96_int8.tflite", inputs, [s.label for s in samples])
    assert found == pytest.approx(0.811, abs=0.01)
