"""Results of one's own from the logs of a runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from test_submissions_drafting import PLACE, create, tree

from evidence_fixtures import Files, mlcommons_kws, published_kws
from tinybench import specs
from tinybench.cli import main
from tinybench.errors import DataError, UnknownNameError, UsageError
from tinybench.results.schema import Result
from tinybench.submissions import drafting
from tinybench.submissions.check import check
from tinybench.submissions.measured import Measured, results
from tinybench.submissions.system import System

ENGINE = {"name": "X-CUBE-AI", "version": "9.0", "kernels": None, "kernels_version": None, "compiler": None}


def write_runs(folder: Path, files: Mapping[str, bytes], *leave_out: str) -> Path:
    """Evidence as a runner leaves it: performance/log.txt, accuracy/log.txt, ..."""
    for name, data in files.items():
        run, _, file = name.partition("-")
        if run not in leave_out and name not in leave_out:
            (folder / run).mkdir(parents=True, exist_ok=True)
            (folder / run / file).write_bytes(data)
    return folder


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    return create(tmp_path / "submissions", availability="available", engine=ENGINE, supply_v=1.8)


def system(submission: Path, **changes: object) -> System:
    return drafting.read_system(submission).model_copy(update=changes)


def one(submission: Path, runs: Path, **options: str) -> Measured:
    (found,) = results(system(submission), "board", runs, **options)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("make", "runner"), [(published_kws, "energyrunner"), (mlcommons_kws, "mlcommons-runner")]
)
def test_every_figure_is_recomputed_from_the_logs(
    submission: Path, tmp_path: Path, make: Callable[[], tuple[Result, Files]], runner: str
) -> None:
    expected, files = make()
    found = one(submission, write_runs(tmp_path / "kws", files))
    assert (found.result.runner, found.result.source, found.result.environment) == (runner, None, None)
    for name in ("accuracy.top1", "latency.per_inference", "throughput", "energy.per_inference"):
        metric, wanted = found.result.metric(name), expected.metric(name)  # type: ignore[arg-type]
        assert metric is not None
        assert wanted is not None
        assert metric.mode == "measured"
        assert metric.value == pytest.approx(wanted.value, rel=1e-3)
    assert found.result.metric("accuracy.auc") is None
    assert [window.model_dump() for window in found.result.windows] == [
        window.model_dump()
        | {"seconds": pytest.approx(window.seconds), "joules": pytest.approx(window.joules)}
        for window in expected.windows
    ]
    assert (found.result.data.split, found.result.data.samples) == ("mlperf-1000", 1000)
    assert found.result.publishable
    assert found.result.target_met


def test_what_the_system_says_is_what_the_result_says(submission: Path, tmp_path: Path) -> None:
    runs = write_runs(tmp_path / "kws", published_kws()[1])
    result = one(submission, runs).result
    described = system(submission)
    assert described.disagreements(result.device, result.engine) == []  # type: ignore[arg-type]
    assert result.device.id == "nucleo-l4r5zi"
    other = system(submission, device=None)
    (without,) = results(other, "board", runs)
    assert without.result.device.id == "board"


def test_a_submission_made_of_logs_holds(submission: Path, tmp_path: Path) -> None:
    (taken,) = drafting.add_runs(submission, write_runs(tmp_path / "kws", published_kws()[1]))
    assert len(taken.evidence) == len(published_kws()[1])
    report = check(tmp_path / "submissions", [PLACE], cache=False)
    assert [found for verdict in report.submissions for found in verdict.findings] == []
    assert [outcome.tier for outcome in report.submissions[0].results] == ["evidence-checked"]


def test_the_closed_division_runs_the_model_of_mlperf(submission: Path, tmp_path: Path) -> None:
    runs = write_runs(tmp_path / "kws", published_kws()[1])
    assert one(submission, runs).result.model.sha256 == specs.model("mlperf-kws").sha256
    own = one(submission, runs, model=str(specs.model("vww").path)).result.model
    assert own.sha256 == specs.model("vww").sha256
    with pytest.raises(UnknownNameError, match="no-such-model"):
        one(submission, runs, model="no-such-model")


def test_the_open_division_says_which_model(submission: Path, tmp_path: Path) -> None:
    runs = write_runs(tmp_path / "kws", published_kws()[1])
    with pytest.raises(UsageError, match="which model"):
        results(system(submission, division="open"), "board", runs)


@pytest.mark.parametrize(
    ("left_out", "error", "match"),
    [
        (("performance",), DataError, "no whole performance run"),
        (("accuracy-log.txt",), DataError, "accuracy.top1 is printed and cannot be recomputed"),
        (("energy-trace1-energy.bin",), DataError, "energy.per_inference is printed"),
        (("accuracy",), UsageError, "may not be published: the accuracy is not available"),
        (("performance", "accuracy", "energy"), DataError, "No such file|holds no runs|no folder"),
    ],
)
def test_a_figure_that_no_log_shows_is_not_taken(
    submission: Path, tmp_path: Path, left_out: tuple[str, ...], error: type[Exception], match: str
) -> None:
    (tmp_path / "kws").mkdir()
    runs = write_runs(tmp_path / "kws", published_kws()[1], *left_out)
    before = tree(submission)
    with pytest.raises(error, match=match):
        drafting.add_runs(submission, runs)
    assert tree(submission) == before


def test_the_device_says_the_task_where_the_path_does_not(submission: Path, tmp_path: Path) -> None:
    runs = write_runs(tmp_path / "session", published_kws()[1])
    assert one(submission, runs).result.task.id == "kws"
    with pytest.raises(UnknownNameError, match="kwz"):
        one(submission, runs, task="kwz")


def test_the_command_line(submission: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = write_runs(tmp_path / "kws", published_kws()[1])
    assert main(["submit", "add", str(submission), "--runs", str(runs)]) == 0
    assert "mlperf-kws" in capsys.readouterr().out
    assert main(["submit", "add", str(submission)]) == 2
    assert "give results, or --runs DIR" in capsys.readouterr().err
    assert main(["submit", "add", str(submission), "x.json", "--runs", str(runs)]) == 2
    assert main(["submit", "add", str(submission), "x.json", "--task", "kws"]) == 2
    assert "are about --runs" in capsys.readouterr().err


def test_the_same_logs_are_the_same_result(submission: Path, tmp_path: Path) -> None:
    runs = write_runs(tmp_path / "kws", published_kws()[1])
    drafting.add_runs(submission, runs)
    before = tree(submission)
    drafting.add_runs(submission, runs)
    assert tree(submission) == before


def test_what_may_not_be_published_says_what_it_takes(submission: Path, tmp_path: Path) -> None:
    runs = write_runs(tmp_path / "kws", published_kws()[1], "accuracy")
    with pytest.raises(UsageError) as refused:
        drafting.add_runs(submission, runs)
    assert "the folder accuracy" in str(refused.value.hint)


def test_runs_of_a_task_that_is_not_here_are_named(submission: Path, tmp_path: Path) -> None:
    runs = write_runs(tmp_path / "sww", published_kws()[1])
    with pytest.raises(DataError, match="is of sww, which is no task here"):
        drafting.add_runs(submission, runs)
