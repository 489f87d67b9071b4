"""The example of a plug-in is installed as a user would, found, and does what it says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes import REPOSITORY

EXAMPLE = REPOSITORY / "examples/analytical-npu"
RUN = ["-m", "tinybench", "run", "kws", "--split", "golden", "--limit", "2", "--json"]


def install(package: Path, folder: Path) -> Path:
    """Build a wheel of a package and unpack it; nothing is fetched."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir"]
    copy = folder / "sources"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    target = folder / "installed"
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(EXAMPLE, tmp_path_factory.mktemp("example"))


def python(
    installed: Path, arguments: list[str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A Python that finds what is installed there, beside this tinybench."""
    path = os.pathsep.join([str(installed), str(REPOSITORY / "src")])
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path},
    )


def test_it_runs_by_name_on_its_own_device(installed: Path, tmp_path: Path) -> None:
    options = ["--runner", "analytical-npu", "--device", "example-npu", "--output", str(tmp_path)]
    done = python(installed, [*RUN, *options])
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    modes = {metric["name"]: metric["mode"] for metric in result["metrics"]}
    assert set(modes) == {"latency.per_inference", "throughput", "cycles.per_inference"}
    assert set(modes.values()) == {"predicted"}
    assert result["device"]["id"] == "example-npu"
    assert result["environment"]["packages"]["tinybench-analytical-npu"] == "0.1.0"
    table = (tmp_path / f"kws_kws_example-npu_analytical-npu_{result['id']}.evidence/layers.csv").read_text()
    seconds = 0.0
    for line in table.splitlines()[1:]:
        *_, arithmetic, memory, launch, bound = line.split(",")
        seconds += max(float(arithmetic), float(memory)) + float(launch)
        assert bound == ("arithmetic" if float(arithmetic) > float(memory) else "memory")
    (latency,) = (m["value"] for m in result["metrics"] if m["name"] == "latency.per_inference")
    assert latency == pytest.approx(seconds, rel=1e-12)


def test_it_conforms_and_its_own_tests_pass(installed: Path, tmp_path: Path) -> None:
    options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = python(installed, [*options, str(EXAMPLE / "tests")], cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_made_for_another_interface_it_is_refused_by_name_and_others_go_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("tomorrow")
    package = shutil.copytree(EXAMPLE, folder / "package")
    for file in ("runner.py", "content/__init__.py"):
        path = package / "src/analytical_npu" / file
        text = path.read_text()
        assert text.count("interface = 1\n") == 1
        path.write_text(text.replace("interface = 1\n", "interface = 99\n"))
    tomorrow = install(package, folder)
    refused = python(tomorrow, [*RUN, "--runner", "analytical-npu"])
    assert refused.returncode == 2
    who = "runner 'analytical-npu' (analytical_npu.runner:AnalyticalNpu of tinybench-analytical-npu 0.1.0)"
    assert refused.stderr.startswith(
        f"error: {who} was made for interface 99 of tinybench.runners; tinybench "
    )
    assert "speaks interface 1\nhint: upgrade tinybench-suite, or install an older" in refused.stderr

    listed = python(tomorrow, ["-m", "tinybench", "list", "runners", "--json"])
    assert listed.returncode == 0
    assert {"tflm-sim", "litert", "board"} <= {row["name"] for row in json.loads(listed.stdout)}
    assert listed.stderr.startswith(f"warning: {who} was made for interface 99")

    other = python(tomorrow, [*RUN, "--runner", "litert", "--output", str(folder / "results")])
    assert other.returncode == 0, other.stderr
    device = python(tomorrow, [*RUN, "--device", "example-npu"])
    assert device.returncode == 2
    assert "not looked at: content 'analytical-npu' (analytical_npu.content of" in device.stderr
