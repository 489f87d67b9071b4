"""The command everyone types first, as a process, with the real simulator and the smoke split."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tinybench
from tflite_builder import Builder, schema, small_model
from tinybench import specs


def tinybench_command(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tinybench", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("run")
    return folder, tinybench_command("run", "kws", "--runner", "tflm-sim", "--offline", cwd=folder)


def test_the_first_command_prints_figures_with_unit_and_mode(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = finished
    assert done.returncode == 0, done.stderr
    for text in ("accuracy (top-1)", "latency", "ms", "energy per inference", "mJ", "KiB", "simulated"):
        assert text in done.stdout
    assert "smoke" in done.stdout
    assert "not publishable" in done.stdout
    assert done.stderr == ""


def test_the_result_is_on_disk_and_says_what_it_is(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, _ = finished
    (path,) = (folder / "results").glob("*.json")
    result = tinybench.verify_result(path)
    assert result.data.split == "smoke"
    assert result.publishable is False
    predicted = {"energy.per_inference", "power.active"}
    assert {metric.mode for metric in result.metrics if metric.name not in predicted} == {"simulated"}
    accuracy, latency = result.metric("accuracy.top1"), result.metric("latency.per_inference")
    assert accuracy is not None
    assert latency is not None
    (claimed,) = [
        claim for claim in specs.model("kws").accuracy if "smoke" in claim.data and claim.precision == "int8"
    ]
    assert accuracy.value == pytest.approx(claimed.value, abs=5e-5)
    assert accuracy.value >= 0.8
    # The topology of the MLPerf Tiny reference model, whose published latency is 99.8 ms.
    assert latency.value == pytest.approx(0.0998, rel=0.15)
    assert len(result.layers) == len(specs.model("kws").operators)


def test_a_second_run_elsewhere_has_the_same_id_and_bytes(
    finished: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    folder, _ = finished
    done = tinybench_command(
        "run", "kws", "--json", "--output", "again", cwd=tmp_path, TINYBENCH_CACHE=str(tmp_path / "cache")
    )
    assert done.returncode == 0, done.stderr
    (first,), (second,) = (folder / "results").glob("*.json"), (tmp_path / "again").glob("*.json")
    assert second.read_text() == done.stdout
    assert first.name == second.name
    one, two = (json.loads(path.read_text()) for path in (first, second))
    for document in (one, two):
        del document["created"], document["environment"], document["tool"]["commit"]
    assert one == two


def truncated(folder: Path) -> Path:
    path = folder / "truncated.tflite"
    path.write_bytes(specs.model("kws").path.read_bytes()[:20_000])
    return path


def floating(folder: Path) -> Path:
    b = Builder()
    source, out = (b.tensor((1, 49, 10, 1), dtype=schema.TensorType.FLOAT32) for _ in range(2))
    path = folder / "float.tflite"
    path.write_bytes(b.finish(source, b.operator("RELU", [source], [out])))
    return path


def unsupported(folder: Path) -> Path:
    b = Builder()
    source = b.tensor((1, 49, 10, 1))
    x = b.fully_connected(b.reshape(source, (1, 490)), 12)
    path = folder / "tanh.tflite"
    path.write_bytes(b.finish(source, b.operator("TANH", [x], [b.tensor((1, 12))])))
    return path


def other_shape(folder: Path) -> Path:
    path = folder / "small.tflite"
    path.write_bytes(small_model())
    return path


def too_large(folder: Path) -> Path:
    b = Builder()
    source = b.tensor((1, 49, 10, 1))
    x = b.conv(source, 2000, (1, 1))
    x = b.average_pool(x, (49, 10), (1, 1))
    path = folder / "large.tflite"
    path.write_bytes(b.finish(source, b.softmax(b.fully_connected(b.reshape(x, (1, 2000)), 12))))
    return path


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (truncated, 2, "truncated.tflite is truncated or corrupt"),
        (floating, 2, "is float32, not int8"),
        (unsupported, 2, "operator 2 (TANH) has no kernel in the simulator"),
        (other_shape, 2, "input shape is 1x8x6x3, but task 'kws' needs 1x49x10x1"),
        (too_large, 1, "bytes of RAM, "),
        (lambda folder: folder / "none.tflite", 2, "none.tflite does not exist"),
    ],
)
def test_a_bad_model_is_one_clear_line_and_leaves_nothing(
    tmp_path: Path, make: object, code: int, says: str
) -> None:
    models, work = tmp_path / "models", tmp_path / "work"
    models.mkdir()
    work.mkdir()
    done = tinybench_command("run", "kws", "--model", str(make(models)), cwd=work)  # type: ignore[operator]
    assert done.returncode == code
    assert done.stdout == ""
    error, hint = done.stderr.strip().splitlines()
    assert error.startswith("error: ")
    assert says in error
    assert hint.startswith("hint: ")
    assert not list(work.rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "kwz"), "did you mean 'kws'"),
        (("run", "kws", "--runner", "tflm-sin"), "did you mean 'tflm-sim'"),
        (("run", "kws", "--device", "nucleo-l4r5z"), "did you mean 'nucleo-l4r5zi'"),
        (("run", "kws", "--model", "kwss"), "did you mean 'kws'"),
    ],
)
def test_an_unknown_name_is_exit_code_2_with_a_guess(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = tinybench_command(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert not list(tmp_path.iterdir())
