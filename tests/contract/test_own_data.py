"""Whole runs on folders of labelled data, as somebody with photos or recordings does them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tinybench
from tflite_builder import Builder
from tinybench.cli import main
from tinybench.datasets import ic
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter


def test_photos(shared_data: Path, tmp_path: Path) -> None:
    result = tinybench.run("vww", data=shared_data / "vww/test", limit=60, output=tmp_path)
    accuracy = result.metric("accuracy.top1")
    assert accuracy is not None
    assert (result.data.split, result.data.samples, result.publishable) == ("custom", 60, False)
    assert accuracy.value > 0.7, "84 % on all of them"
    assert result.target_met is None


def test_recordings(shared_data: Path, tmp_path: Path) -> None:
    result = tinybench.run("ad", data=shared_data / "ad", limit=4, output=tmp_path)
    accuracy, latency = result.metric("accuracy.auc"), result.metric("latency.per_inference")
    assert accuracy is not None
    assert latency is not None
    assert accuracy.unit == "1"
    assert "by machine: id_00" in str(accuracy.note)
    assert latency.value < 0.02, "of one window, not of a recording"
    assert result.path is not None
    scores = result.path.with_suffix(".evidence") / "scores.csv"
    assert len(scores.read_text().splitlines()) == 1 + result.data.samples


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two images of noise for each class."""
    rng = np.random.default_rng(4)
    for label in ic.LABELS:
        (tmp_path / "images" / label).mkdir(parents=True)
        for name in ("a.png", "b.png"):
            pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / label / name)
    return tmp_path / "images"


def test_images(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = images.parent / "results"
    assert main(["run", "ic", "--data", str(images), "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "custom: 20 samples of custom" in printed
    (path,) = output.glob("*.json")
    assert "measured on the custom split" in str(tinybench.load_result(path).not_publishable_because)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "cat" / "a.png").write_bytes(b""), "a.png: the file is empty"),
        (lambda folder: (folder / "cat" / "a.png").write_bytes(b"\x89PNG\r\n"), "a.png: cannot be decoded"),
        (lambda folder: (folder / "cat").rename(folder / "lion"), "lion: 'lion' is not a label"),
        (lambda folder: [f.unlink() for f in (folder / "cat").iterdir()], "cat: no sample in this class"),
    ],
)
def test_what_is_wrong_with_it_is_named_in_one_line(
    images: Path, capsys: pytest.CaptureFixture[str], spoil: object, message: str
) -> None:
    assert callable(spoil)
    spoil(images)
    output = images.parent / "results"
    assert main(["run", "ic", "--data", str(images), "--output", str(output)]) == 2
    error = capsys.readouterr().err.splitlines()
    assert error[0].startswith("error: ")
    assert message in error[0]
    assert not list(output.glob("*")) if output.exists() else True


def test_a_folder_and_a_split_exclude_each_other(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "ic", "--data", str(images), "--split", "official"]) == 2
    assert "split 'custom', not 'official'" in capsys.readouterr().err
    assert main(["run", "ic", "--split", "custom"]) == 2
    assert "--data DIR" in capsys.readouterr().err


def classifier(scale: float, zero_point: int) -> bytes:
    """The same classifier of an image's mean colour, whatever its int8 input stands for."""
    b = Builder(23)
    source = b.tensor((1, 32, 32, 3), scale, zero_point)
    pixels = b.unary("QUANTIZE", source, 1.0, -128)
    colour = b.average_pool(pixels, (32, 32), (1, 1))
    return b.finish(source, b.fully_connected(b.reshape(colour, (1, 3)), 10))


def predicted(model: Path, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> list[int]:
    interpreter = Interpreter(Model.load(model))
    return interpreter.run((pixels.astype(int) - 128).astype(np.int8)).argmax(axis=1).tolist()


def test_a_model_with_another_input_scale_gets_the_same_accuracy(tmp_path: Path) -> None:
    """Pixels as they are, in steps of 1.5 and in steps of 2: other bytes, the same classes."""
    models = {}
    for scale, zero_point in ((1.0, -128), (1.5, -100), (2.0, -128)):
        models[scale] = tmp_path / f"classifier-{scale}.tflite"
        models[scale].write_bytes(classifier(scale, zero_point))
    rng = np.random.default_rng(6)
    colours = rng.integers(0, 256, (300, 1, 1, 3), dtype=np.uint8)
    pixels = np.broadcast_to(colours, (300, 32, 32, 3))
    labels = predicted(models[1.0], pixels)
    for index, label in enumerate([*labels, *range(10)]):  # each class has a sample, if a wrong one
        folder = tmp_path / "images" / ic.LABELS[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.array(pixels[index % 300])).save(folder / f"{index}.png")

    found = {}
    for scale, model in models.items():
        accuracy = tinybench.run("ic", model=model, data=tmp_path / "images").metric("accuracy.top1")
        assert accuracy is not None
        found[scale] = accuracy.value
    assert found[1.0] >= 300 / 310
    assert found[1.5] == pytest.approx(found[1.0], abs=0.02), "but for colours between two classes"
    assert found[2.0] == pytest.approx(found[1.0], abs=0.02)
    naive = predicted(models[2.0], pixels)
    assert np.mean(np.array(naive) == labels) < 0.9, "the bytes of another scale are another image"
