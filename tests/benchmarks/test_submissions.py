"""How long a repository of two thousand submissions takes: all of it, and after one of them changed.

A tenth of the submissions have all evidence of a measurement for each of their four results, packed as a
submission packs it; the others are like those that this repository holds, figures without logs.
"""

from __future__ import annotations

import gzip
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import complete_submission
from complete_submission import Draft
from tinybench.submissions import memory
from tinybench.submissions.check import changed_since, check
from tinybench.submissions.layout import Place
from tinybench.submissions.report import to_markdown

SUBMISSIONS = 2000
WITH_EVIDENCE = 200
RESULTS = 4

FULL_S = 60.0
CHANGED_S = 3.0
MEMORY_BYTES = 1_000_000_000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A git repository with all of them."""
    repository = tmp_path_factory.mktemp("repository")
    kinds = (complete_submission.measured(), complete_submission.published())
    for number in range(SUBMISSIONS):
        write(kinds[number % 2], number, repository / "submissions", evidence=number < WITH_EVIDENCE)
    git(repository, "init", "--quiet", "--initial-branch=main")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "submissions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield repository / "submissions"


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-C", str(folder), "-c", "user.name=T", "-c", "user.email=t@example.org", *arguments]
    subprocess.run(command, check=True)


def write(kind: Draft, number: int, root: Path, *, evidence: bool) -> None:
    """A submission whose four results and their evidence are no others'."""
    round_, organisation, _ = kind.place.split("/")
    draft = Draft(f"{round_}/{organisation}/board-{number}", kind.system, {})
    (files,) = kind.evidence.values()
    for index in range(RESULTS):
        name = f"kws-{index}.json"
        document = {**kind.result, "evidence": [], "notes": [f"board {number}, result {index}"]}
        factor = 1 + (number * RESULTS + index) * 1e-5
        if not evidence:
            document["windows"] = []
            document["metrics"] = [slower(metric, factor) for metric in kind.result["metrics"]]
        else:
            draft.evidence[name] = {
                file: own(file, data, number * RESULTS + index) for file, data in files.items()
            }
        draft.results[name] = document
    folder = draft.write(root)
    for path in [*folder.glob("evidence/*/*.txt"), *folder.glob("evidence/*/*.csv")]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1, mtime=0))
        path.unlink()
    complete_submission.repack(folder)


def slower(metric: dict[str, Any], factor: float) -> dict[str, Any]:
    """A figure of a device that is a little slower."""
    scale = {"latency.per_inference": factor, "energy.per_inference": factor, "throughput": 1 / factor}
    return metric | {"value": metric["value"] * scale.get(metric["name"], 1)}


def own(file: str, data: bytes, mark: int) -> bytes:
    """The same evidence in other bytes, as that of another run."""
    if file.endswith(".txt"):
        return data + f"00999.000 session: {mark}\n".encode()
    if file.endswith(".bin"):
        return data[:-4] + struct.pack("<f", 10 + mark / 1000)  # after the last window
    return data


def timed(benchmark: Any, function: Any) -> tuple[Any, float]:
    """What a function gives, run once, and the seconds it took."""
    begin = time.perf_counter()
    outcome = benchmark.pedantic(function, rounds=1)
    return outcome, time.perf_counter() - begin


def test_all_of_two_thousand(benchmark: Any, root: Path) -> None:
    time.sleep(memory._SETTLED_NS / 1e9)
    report, seconds = timed(benchmark, lambda: check(root, rerun=False))
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    benchmark.extra_info.update(seconds=seconds, peak_bytes=peak * 1024, findings=report.counts.model_dump())
    assert report.passed, to_markdown(report)[:2000]
    assert len(report.submissions) == SUBMISSIONS
    assert seconds < FULL_S
    assert peak * 1024 < MEMORY_BYTES


def test_all_again_after_one_changed(benchmark: Any, root: Path) -> None:
    touch(root)
    report, seconds = timed(benchmark, lambda: check(root, rerun=False))
    benchmark.extra_info.update(seconds=seconds)
    assert [verdict.place for verdict in report.submissions if verdict.severity == "error"] == [CHANGED]
    assert seconds < CHANGED_S


def test_what_a_pull_request_changed(benchmark: Any, root: Path) -> None:
    """As a user has it: a process that starts, and no cache."""
    touch(root)
    code = (
        "import sys; from pathlib import Path; from tinybench.submissions.check import changed_since, check;"
        "root = Path(sys.argv[1]); changes = changed_since(root, 'main');"
        "assert len(check(root, changes=changes, cache=False).submissions) == 1"
    )
    _, seconds = timed(benchmark, lambda: subprocess.run([sys.executable, "-c", code, str(root)], check=True))
    benchmark.extra_info.update(seconds=seconds)
    assert set(changed_since(root, "main").to_check) == {Place(*CHANGED.split("/"))}
    assert seconds < CHANGED_S


CHANGED = "2026.1/acme/board-0"


def touch(root: Path) -> None:
    """Change a submission that has all evidence."""
    path = root / CHANGED / "system.toml"
    path.write_bytes(path.read_bytes() + b"\n")
