"""A small world without a simulator: a task, a model, a device, samples and a runner with fixed figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinybench import specs
from tinybench.datasets.base import Samples
from tinybench.mcusim import compilers
from tinybench.progress import Progress, silent
from tinybench.results import store
from tinybench.results.schema import Engine, Layer, Metric, Result, Unavailable, content_id
from tinybench.runners.base import Measurement, RunsOn, Setup, Workload
from tinybench.specs import DeviceSpec
from tinybench.submissions.layout import Place

REPOSITORY = Path(__file__).resolve().parent.parent

ANALYSER: dict[str, Any] = {
    "kind": "joulescope",
    "title": "Joulescope JS220",
    "serial": "002557",
    "firmware": "1.3.0",
    "calibration": None,
    "rate_hz": 1000.0,
    "native_rate_hz": 2e6,
    "range": "automatic, 1 nA to 3 A",
    "voltage_v": 1.8,
    "voltage": "measured",
    "power_cycles": True,
    "edges": "GPI 0",
    "synthetic": False,
}
"""What a result says of a power analyser."""

TASK_TOML = """
id = "{id}"
title = "Demo"
version = "1.0.0"
summary = "A task for tests."
metric = "top1"
target = 0.9
labels = ["no", "yes"]
input_shape = [4]
output_shape = [2]
reference_model = "demo"
default_device = "demo-board"

[splits.official]
subset = "test"

[splits.smoke]
folder = "smoke"
manifest = "smoke/manifest.csv"

[dataset]
id = "demo-data"
title = "Demo data"
license = "CC0-1.0"
license_url = "https://creativecommons.org/publicdomain/zero/1.0/"
homepage = "https://example.org/"
citation = "nobody"

[[dataset.archives]]
name = "demo.tar.gz"
url = "https://example.org/demo.tar.gz"
bytes = 1
sha256 = "{zeros}"
license = "CC0-1.0"

[dataset.subsets.test]
title = "test"
archive = "demo.tar.gz"
folders = ["no", "yes"]
suffix = ".wav"
files = 10
"""

MODEL_TOML = """
id = "demo"
title = "Demo model"
task = "demo"
file = "demo.tflite"
sha256 = "{sha256}"
license = "Apache-2.0"
macs = 8
parameters = 10
flash_bytes = 100
arena_bytes = 200
operators = ["FULLY_CONNECTED"]
accuracy = []

[provenance]
recipe = "none"
tensorflow = "none"
seed = 0
data = "none"
calibration = "none"
seen_official_test = false
"""

DEVICE_TOML = """
id = "demo-board"
title = "Demo board"
vendor = "nobody"
chip = "demo-chip"
core = "cortex-m4"

[flash]
base = 0x08000000
bytes = 1048576
source = "no real device"

[ram]
base = 0x20000000
bytes = 131072
source = "no real device"

[clock_hz]
value = 100_000_000
source = "no real device"

[flash_timing]
wait_states = {{ table = [[100_000_000, 0]], source = "no real device" }}
width_bytes = {{ value = 8, source = "no real device" }}
prefetch = {{ value = false, source = "no real device" }}

[power]
supply_v = {{ value = 3.0, source = "no real device" }}
run_a_per_hz = {{ value = 1e-10, source = "no real device" }}
run_offset_a = {{ value = 0.0, source = "no real device" }}
""".replace("{{", "{").replace("}}", "}")

MODEL_BYTES = b"demo model"


@dataclass(frozen=True)
class FakeTensor:
    shape: tuple[int, ...]
    dtype: str = "INT8"
    scale: float = 0.5
    zero_point: int = -1


@dataclass
class FakeModel:
    path: Path
    data: bytes = MODEL_BYTES
    macs: int = 8
    parameters: int = 10
    input: FakeTensor = FakeTensor((1, 4))
    output: FakeTensor = FakeTensor((1, 2))

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass
class FakeRunner:
    """Returns fixed figures; ``during`` is called in the middle of a measurement."""

    name: str = "fake"
    interface: int = 1
    summary: str = "figures for tests"
    accuracy: float = 0.95
    during: Callable[[], None] = lambda: None
    seen: list[Workload] = field(default_factory=list)
    runs_on: RunsOn = "simulator"

    def check(self, setup: Setup) -> None:
        compilers.compiler(setup.toolchain).program()

    def check_device(self, device: DeviceSpec) -> None:
        if self.runs_on == "simulator":
            device.check_simulated()

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        self.seen.append(workload)
        for done in range(3):
            progress("execute", done, 2)
        self.during()
        return Measurement(
            engine=Engine(
                name="fake engine",
                version="1.0",
                kernels="none",
                kernels_version="0",
                compiler="cc 1",
                flags=("-O3", "-DX[1]"),
            ),
            metrics=(
                Metric.of("cycles.per_inference", 1_234_567, "simulated"),
                Metric.of("latency.per_inference", 0.01234567, "simulated"),
                Metric.of("accuracy.top1", self.accuracy, "simulated", ci95=(0.9, 0.97)),
                Metric.of("memory.arena", 2048, "simulated", note="from the [fake] interpreter"),
            ),
            unavailable=(Unavailable(name="energy.per_inference", reason="the [demo] board has no meter"),),
            layers=(
                Layer(
                    index=0,
                    operator="FULLY_CONNECTED",
                    name="dense[0];fused/with/this",
                    cycles=1_234_567,
                    instructions=1_000_000,
                    macs=8,
                    share=1.0,
                ),
            ),
            evidence={"log.txt": b"all well\n", "outputs.npy": b"\x00\x01"},
            notes=("a fake run",),
        )


@dataclass
class World:
    """A task, a model, a device and a runner that need no simulator."""

    root: Path
    runner: FakeRunner
    model: FakeModel
    official_present: bool = False


def clear_specs() -> None:
    for cached in (specs.tasks, specs.models, specs.devices, specs.batteries):
        cached.cache_clear()


def load_samples(
    task: specs.TaskSpec,
    split: str,
    *,
    scale: float,
    zero_point: int,
    folder: Path | None,
    limit: int | None,
    progress: Progress,
) -> Samples:
    count = min(10, limit or 10)
    progress("samples", count, count)
    return Samples(
        split=split,
        dataset="demo-data",
        dataset_sha256="a" * 64,
        inputs=np.zeros((count, 1, *task.input_shape), np.int8),
        labels=np.zeros(count, np.int64),
        names=tuple(f"clip{index}" for index in range(count)),
    )


def load_document() -> dict[str, Any]:
    """A result as parsed JSON, with the right id."""
    path = REPOSITORY / "tests/contract/historic_results/tinybench.result-2.json"
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


def published_document(**changes: Any) -> dict[str, Any]:
    """A simulated result that may be published, as parsed JSON without its id; figures are invented."""
    document = load_document() | {
        "publishable": True,
        "not_publishable_because": [],
        "target_met": True,
        "evidence": [],
    }
    document["data"] = document["data"] | {"split": "official", "limit": None}
    return document | changes


def placed(root: Path, place: Place, document: dict[str, Any]) -> Path:
    """Write a result into a submission, and nothing else of it."""
    document = document | {"id": content_id(document)}
    result = Result.model_validate(document)
    folder = root / place.path / "results"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / store.file_name(result)
    path.write_bytes(result.to_json())
    return path
