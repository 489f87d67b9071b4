"""Results that nobody measured, by the thousand: what a leaderboard has to bear in a few years.

Every name says that they are synthetic, and they lie where the caller says: never in ``submissions/``.
By hand: ``python tests/synthetic_board.py FOLDER [RESULTS]``.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import complete_submission
from complete_submission import Draft
from evidence_fixtures import finished, published_by
from tinybench import specs
from tinybench.mlperf_tiny.tasks import BENCHMARKS, accuracy_set
from tinybench.results.record import accuracy_metric
from tinybench.results.schema import (
    DEVICE_METRICS,
    DataRef,
    DeviceRef,
    Engine,
    Environment,
    Layer,
    Metric,
    Mode,
    ModelRef,
    Result,
    TaskRef,
    Tool,
    Unavailable,
)
from tinybench.specs import ModelSpec, TaskSpec
from tinybench.submissions.layout import slug

RESULTS: Final = 10_000
ORGANISATIONS: Final = 120
BOARDS: Final = 300
TASKS: Final = ("kws", "vww", "ic", "ad")
PUBLISHED_ROUND: Final = "v9.9"
"""Of MLPerf Tiny there is none that is called so."""
OUR_ROUNDS: Final = ("2031.1", "2031.2", "2032.1", "2032.2", "2033.1")

CORES: Final = {
    # core: MACs in a cycle of a usual kernel, highest clock (MHz), power in full run (W)
    "cortex-m0plus": (0.05, 133, 0.03),
    "cortex-m3": (0.08, 72, 0.05),
    "cortex-m4": (0.25, 180, 0.06),
    "cortex-m33": (0.28, 250, 0.05),
    "cortex-m7": (0.5, 600, 0.3),
    "cortex-m55": (1.8, 400, 0.12),
    "cortex-m85": (2.5, 480, 0.35),
    "npu": (20.0, 300, 0.1),
}
ENGINES: Final = (
    Engine(
        name="Synthetic Interpreter",
        version="2.1",
        kernels="Synthetic NN",
        kernels_version="7.0",
        compiler="Synthetic C 14",
        flags=("-O3",),
    ),
    Engine(
        name="Synthetic Compiler",
        version="0.9",
        kernels=None,
        kernels_version=None,
        compiler="Synthetic C 14",
        flags=("-Os", "-flto"),
    ),
    Engine(name="Synthetic Runtime", version=None, kernels=None, kernels_version=None, compiler=None),
)


@dataclass(frozen=True)
class Board:
    """One board of the synthetic world."""

    name: str
    chip: str
    core: str
    highest_mhz: int
    speed: float
    """MACs in a cycle."""
    power_w: float

    @classmethod
    def of(cls, number: int, random: Random) -> Board:
        core = random.choice(list(CORES))
        speed, mhz, power_w = CORES[core]
        return cls(
            name=f"Synthetic Board {number:03}",
            chip=f"SYNTHETIC{number:03}",
            core=core,
            highest_mhz=mhz,
            speed=speed * random.uniform(0.6, 1.2),
            power_w=power_w * random.uniform(0.5, 2),
        )


def write_board(root: Path, results: int = RESULTS, *, seed: int = 1) -> int:
    """Write so many results below ``root``, a submission for each system; gives back how many submissions.

    The same arguments give the same bytes.
    """
    written = 0
    for draft in drafts(results, seed=seed):
        draft.write(root)
        written += 1
    return written


def drafts(results: int, *, seed: int) -> Iterator[Draft]:
    """The submissions, of up to four tasks each."""
    random = Random(seed)
    boards = [Board.of(number, random) for number in range(BOARDS)]
    made = number = 0
    while made < results:
        tasks = TASKS[: min(len(TASKS), results - made)]
        yield _draft(number, boards[random.randrange(BOARDS)], tasks, random)
        made += len(tasks)
        number += 1


def _draft(number: int, board: Board, tasks: tuple[str, ...], random: Random) -> Draft:
    # As in the real world: much is measured, a part of it elsewhere, and more is simulated than predicted.
    mode: Mode = random.choices(("measured", "simulated", "predicted"), (6, 3, 1))[0]
    published = mode == "measured" and random.random() < 0.3
    organisation = f"Synthetic Organisation {int(ORGANISATIONS * random.random() ** 2):03}"
    engine = random.choice(ENGINES)
    division = "open" if random.random() < 0.2 else "closed"
    clock_hz = max(8, round(board.highest_mhz * random.choice((0.25, 0.5, 1)))) * 1_000_000
    title = f"Synthetic {number:04}: {board.chip} at {clock_hz // 1_000_000} MHz"
    device = DeviceRef(
        id=slug(board.name),
        board=board.name,
        chip=board.chip,
        core=board.core,
        clock_hz=clock_hz,
        supply_v=random.choice((1.8, 3.0, 3.3)),
        accelerator=None,
    )
    round_ = f"mlperf-{PUBLISHED_ROUND}" if published else random.choice(OUR_ROUNDS)
    draft = Draft(f"{round_}/{slug(organisation)}/synthetic-{number:04}", {}, {})
    for task in tasks:
        result = _result(specs.task(task), board, device, engine, mode, division, random, published=published)
        if published:
            source = published_by(PUBLISHED_ROUND, division).model_copy(
                update={
                    "organisation": organisation,
                    "system": title,
                    "repository": "https://synthetic.example.org/results",
                    "path": f"synthetic/{number:04}/{task}",
                    "attribution": "Synthetic: this was published nowhere.",
                }
            )
            result = result.model_copy(update={"source": source})
        draft.results[f"{task}.json"] = result.model_dump(mode="json", by_alias=True)
        draft.system = complete_submission.system(
            result,
            title=title,
            organisation=organisation,
            division=division,
            availability=random.choice(("available", "preview", "research")),
            contact=None if published else "nobody@synthetic.example.org",
            notes="Synthetic: nobody measured this.",
        )
    return draft


def _result(
    task: TaskSpec,
    board: Board,
    device: DeviceRef,
    engine: Engine,
    mode: Mode,
    division: str,
    random: Random,
    *,
    published: bool,
) -> Result:
    reference = specs.model(f"mlperf-{task.id}")
    model = ModelRef(
        name=reference.id,
        sha256=reference.sha256,
        macs=reference.macs,
        parameters=reference.parameters,
    )
    if division == "open":
        size, number = random.choice((0.25, 0.5, 0.75)), random.randrange(40)
        model = ModelRef(
            name=f"synthetic-{task.id}-{size}-{number}",
            sha256=hashlib.sha256(f"{task.id}-{size}-{number}".encode()).hexdigest(),
            macs=round(reference.macs * size),
            parameters=round(reference.parameters * size),
        )
    assert model.macs is not None
    assert device.clock_hz is not None
    speed = board.speed * random.lognormvariate(0, 0.2)
    if board.core in ("cortex-m0plus", "cortex-m3"):
        speed = min(speed, 0.9)
    cycles = round(model.macs / speed)
    latency_s = cycles / device.clock_hz
    power_w = board.power_w * device.clock_hz / (board.highest_mhz * 1e6) * random.lognormvariate(0, 0.1)
    assert task.target is not None
    best = 1 - (1 - task.target) * random.uniform(0.4, 1)
    accuracy = round(best if division == "closed" else best - random.uniform(0, 0.1), 4)
    # An accuracy is executed, if not by the device then by a simulator: predicted ones are not published.
    computed: Mode = "measured" if mode == "measured" else "simulated"
    metrics = [
        Metric.of(accuracy_metric(task), accuracy, computed),
        _figure("latency.per_inference", latency_s, mode),
        Metric.of("throughput", 1 / latency_s, mode),
    ]
    if random.random() < 0.6:
        powered: Mode = "measured" if mode == "measured" else "predicted"
        metrics.append(_figure("energy.per_inference", power_w * latency_s, powered))
        metrics.append(Metric.of("power.active", power_w, powered))
    if mode != "measured":
        metrics += [
            Metric.of("memory.arena", reference.arena_bytes, "simulated"),
            Metric.of("memory.ram", reference.arena_bytes + 4096, "simulated"),
            Metric.of("memory.flash", reference.flash_bytes + 32768, "simulated"),
            Metric.of("cycles.per_inference", cycles, mode),
            Metric.of("instructions.per_inference", round(cycles * 0.8), mode),
        ]
    given = {metric.name for metric in metrics}
    benchmark = accuracy_set(task.id)
    official = task.splits.official
    subset = task.dataset.subsets[official.subset]
    return finished(
        {
            "created": f"20{random.randint(31, 33)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
            f"T{random.randint(0, 23):02}:00:00Z",
            "tool": Tool(version="0.1.0", commit=None),
            "task": TaskRef(id=task.id, version=task.version),
            "data": DataRef(
                split=benchmark.split if mode == "measured" else "official",
                dataset=benchmark.dataset if mode == "measured" else task.dataset.id,
                dataset_sha256=None
                if mode == "measured"
                else (subset.sha256 if official.names is None else None) or "5" * 64,
                samples=BENCHMARKS[task.id].samples if mode == "measured" else official.samples,
                limit=None,
            ),
            "model": model,
            "device": device,
            "engine": engine,
            "runner": "mlperf-tiny" if published else "board" if mode == "measured" else "tflm-sim",
            "source": published_by(PUBLISHED_ROUND) if published else None,
            "metrics": tuple(metrics),
            "unavailable": tuple(
                Unavailable(name=name, reason="synthetic: left out")
                for name in DEVICE_METRICS
                if name not in given
            ),
            "windows": (),
            "layers": tuple(_layers(reference, cycles, model.macs)) if mode == "simulated" else (),
            "evidence": (),
            "notes": ("Synthetic: nobody measured this.",),
            "target": task.target,
            "environment": None
            if published
            else Environment(python="CPython 3.11", os="Linux", machine="synthetic", packages={}),
        }
    )


def _figure(name: Any, value: float, mode: Mode) -> Metric:
    interval = None if mode == "measured" else (value * 0.8, value * 1.25)
    return Metric.of(name, value, mode, interval95=interval)


def _layers(model: ModelSpec, cycles: int, macs: int) -> Iterator[Layer]:
    """As many layers as the model has, all alike."""
    count = len(model.operators)
    for index, operator in enumerate(model.operators):
        yield Layer(
            index=index,
            operator=operator,
            name=f"synthetic/{index}",
            cycles=cycles // count,
            instructions=cycles * 8 // (10 * count),
            macs=macs // count,
            share=1 / count,
        )


if __name__ == "__main__":
    folder, *count = sys.argv[1:]
    print(write_board(Path(folder), *map(int, count)), "submissions")
