"""Classifying on all cores: the same bytes however it is shared out, stopped and resumed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interpreters import MAIN, PIPE, Bug, Chatter, Crash, Refusal, Reverser
from numpy.typing import NDArray

from tflite_builder import small_model
from tinybench.errors import ModelError, WorkerError
from tinybench.models import Model
from tinybench.runners import classify as module
from tinybench.runners.checkpoint import Checkpoint
from tinybench.runners.classify import PART, classify, split
from tinybench.runners.tflm import Interpreter


@pytest.fixture
def model(tmp_path: Path) -> Model:
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return Model.load(path)


@pytest.fixture
def checkpoints(data_cache: Path) -> Path:
    """The folder of the checkpoints, in a cache of the test's own."""
    return data_cache / "checkpoints"


@pytest.fixture
def in_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, a process that is not this one is a worker."""
    monkeypatch.setenv(MAIN, str(os.getpid()))


def inputs_of(model: Model, count: int, seed: int = 3) -> NDArray[np.int8]:
    shape = (count, *model.input.shape[1:])
    return np.random.default_rng(seed).integers(-128, 128, shape, dtype=np.int8)


def slow() -> Callable[[], float]:
    """A clock on which every part takes seconds: the pool is always worth it."""
    ticks = count()
    return lambda: float(next(ticks))


def children() -> set[str]:
    """Processes that this one started and has not waited for."""
    return {
        pid
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text(encoding="ascii").split()
    }


def stop_after(done: int) -> Callable[[str, int, int], None]:
    def report(step: str, finished: int, total: int) -> None:
        if finished >= done:
            raise KeyboardInterrupt

    return report


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_the_outputs_are_those_of_one_interpreter_in_order(
    model: Model, checkpoints: Path, processes: int
) -> None:
    inputs = inputs_of(model, 7 * PART + 5)
    before, steps = children(), list[tuple[str, int, int]]()
    outputs = classify(
        Interpreter(model), inputs, lambda *step: steps.append(step), processes=processes, clock=slow()
    )
    np.testing.assert_array_equal(outputs, Interpreter(model).run(inputs))
    assert children() == before
    done = [finished for _, finished, _ in steps]
    assert done == sorted(done)
    assert steps[0] == ("classifying", 0, len(inputs))
    assert steps[-1] == ("classifying", len(inputs), len(inputs))
    assert list(checkpoints.iterdir()) == []


def test_nothing_to_classify(model: Model, checkpoints: Path) -> None:
    assert classify(Interpreter(model), inputs_of(model, 0)).shape == (0, 4)


@pytest.mark.parametrize(("inputs", "processes", "clock"), [(5 * PART, 8, None), (5 * PART, 1, slow())])
def test_no_process_is_started_for_little_work_or_on_one_core(
    model: Model,
    checkpoints: Path,
    monkeypatch: pytest.MonkeyPatch,
    inputs: int,
    processes: int,
    clock: Callable[[], float] | None,
) -> None:
    def refuse(*args: object) -> Iterator[object]:
        raise AssertionError("a pool")

    monkeypatch.setattr(module, "run_parallel", refuse)
    data = inputs_of(model, inputs)
    outputs = classify(Reverser(model), data, processes=processes, clock=clock or (lambda: 0.0))
    np.testing.assert_array_equal(outputs, Reverser(model).run(data))


@pytest.mark.parametrize(
    ("kind", "message"),
    [(Crash, r"ended \(SIGSEGV\)"), (Bug, r"ended \(exit code 1\): RuntimeError: out of spoons")],
)
def test_a_process_that_ends_is_one_clear_error_and_what_was_done_is_kept(
    model: Model, checkpoints: Path, in_workers: None, kind: type[Reverser], message: str
) -> None:
    inputs, before = inputs_of(model, 5 * PART), children()
    with pytest.raises(WorkerError, match=message) as caught:
        classify(kind(model), inputs, processes=2, clock=slow())
    assert "goes on where it stopped" in str(caught.value.hint)
    assert caught.value.exit_code == 1
    assert children() == before
    assert len(list(checkpoints.iterdir())) == 1


def test_an_error_of_an_interpreter_is_the_same_from_a_worker(
    model: Model, checkpoints: Path, in_workers: None
) -> None:
    with pytest.raises(ModelError, match="no such operator") as caught:
        classify(Refusal(model), inputs_of(model, 5 * PART), processes=2, clock=slow())
    assert caught.value.hint == "use another one"


def test_what_native_code_prints_is_no_answer(model: Model, checkpoints: Path, in_workers: None) -> None:
    inputs = inputs_of(model, 5 * PART)
    outputs = classify(Chatter(model), inputs, processes=2, clock=slow())
    np.testing.assert_array_equal(outputs, Reverser(model).run(inputs))


@pytest.mark.parametrize("processes", [1, 2])
def test_a_stopped_run_goes_on_where_it_was(
    model: Model, checkpoints: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    inputs = inputs_of(model, 6 * PART + 1)
    with pytest.raises(KeyboardInterrupt):
        classify(Reverser(model), inputs, stop_after(3 * PART), processes=processes, clock=slow())
    assert len(list(checkpoints.iterdir())) == 1
    monkeypatch.setattr(Reverser, "calls", 0)
    steps: list[int] = []
    outputs = classify(Reverser(model), inputs, lambda _, done, __: steps.append(done), processes=1)
    assert Reverser.calls <= 4
    assert steps[0] >= 3 * PART
    np.testing.assert_array_equal(outputs, Reverser(model).run(inputs))
    assert list(checkpoints.iterdir()) == []


def test_a_checkpoint_is_for_the_same_model_inputs_and_version_only(
    model: Model, checkpoints: Path, tmp_path: Path
) -> None:
    inputs = inputs_of(model, 4 * PART)
    with pytest.raises(KeyboardInterrupt):
        classify(Reverser(model), inputs, stop_after(2 * PART), processes=1)
    other = tmp_path / "other.tflite"
    other.write_bytes(small_model() + b"\0")
    newer = Reverser(model)
    newer.version = "reverser 2"
    for interpreter, data in (
        (newer, inputs),
        (Reverser(Model.load(other)), inputs),
        (Reverser(model), inputs_of(model, 4 * PART, seed=4)),
    ):
        steps: list[int] = []
        classify(interpreter, data, lambda _, done, __, steps=steps: steps.append(done), processes=1)
        assert steps[0] == 0
    assert len(list(checkpoints.iterdir())) == 1


def test_a_damaged_checkpoint_is_ignored(model: Model, checkpoints: Path) -> None:
    inputs = inputs_of(model, 4 * PART)
    with pytest.raises(KeyboardInterrupt):
        classify(Reverser(model), inputs, stop_after(2 * PART), processes=1)
    (path,) = checkpoints.iterdir()
    data = bytearray(path.read_bytes())
    data[-len(inputs) * 4] ^= 1  # the first output
    path.write_bytes(data)
    outputs = classify(Reverser(model), inputs, processes=1)
    np.testing.assert_array_equal(outputs, Reverser(model).run(inputs))


def test_a_cache_that_cannot_be_written_costs_nothing_but_the_checkpoint(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYBENCH_CACHE", "/dev/null/cache")
    inputs = inputs_of(model, 3 * PART)
    with pytest.raises(KeyboardInterrupt):
        classify(Reverser(model), inputs, stop_after(2 * PART), processes=1)
    np.testing.assert_array_equal(
        classify(Reverser(model), inputs, processes=1, clock=slow()), Reverser(model).run(inputs)
    )


SCRIPT = """
import itertools, os, sys
from pathlib import Path
import interpreters, test_runners_classify as tests
from tinybench.models import Model
from tinybench.runners.classify import classify
os.environ[interpreters.MAIN] = str(os.getpid())
model = Model.load(Path(sys.argv[1]))
kind = getattr(interpreters, sys.argv[2])
report = eval(sys.argv[3])
classify(kind(model), tests.inputs_of(model, 200), report, processes=2, clock=tests.slow())
"""


def start(model: Model, kind: str, report: str, pipe: Path) -> subprocess.Popen[bytes]:
    """A script without a main guard that classifies, in a process group of its own."""
    path = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(model.path), kind, report],
        env=os.environ | {"PYTHONPATH": path, PIPE: str(pipe)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_ctrl_c_leaves_no_process_and_a_checkpoint_that_can_be_used(
    model: Model, checkpoints: Path, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = start(model, "Stuck", "lambda *step: None", pipe)
    with pipe.open("rb") as told:
        told.readline()  # a worker has begun, and will never end
        os.killpg(script.pid, signal.SIGINT)
        _, stderr = script.communicate(timeout=60)
    assert stderr.rstrip().endswith(b"KeyboardInterrupt")
    with pytest.raises(ProcessLookupError):
        os.killpg(script.pid, 0)
    assert len(list(checkpoints.iterdir())) == 1
    steps: list[int] = []
    inputs = inputs_of(model, 200)
    outputs = classify(Reverser(model), inputs, lambda _, done, __: steps.append(done), processes=1)
    assert steps[0] == PART  # the part that the script did itself
    np.testing.assert_array_equal(outputs, Reverser(model).run(inputs))


def test_workers_end_when_whoever_started_them_is_killed(
    model: Model, checkpoints: Path, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    report = f"lambda step, done, total: done > {PART} and os.kill(os.getpid(), 9)"
    script = start(model, "Told", report, pids)
    script.communicate(timeout=60)
    assert script.returncode == -signal.SIGKILL
    for pid in {int(line) for line in pids.read_text(encoding="ascii").split()}:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        with os.fdopen(handle):
            assert select.select([handle], [], [], 60)[0], "a worker lives on"


@given(st.integers(0, 20_000))
def test_the_parts_are_all_inputs_once_and_in_order(total: int) -> None:
    parts = split(total)
    assert [index for part in parts for index in range(part.start, part.stop)] == list(range(total))
    assert all(part.stop - part.start == PART for part in parts[:-1])
    assert all(0 < part.stop - part.start <= PART for part in parts[-1:])


SHAPE, PARTS = (70, 3), 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(min_size=210, max_size=210),
    st.sets(st.integers(0, PARTS - 1)),
    st.integers(0, 1000),
    st.integers(0, 255),
)
def test_a_checkpoint_is_what_was_saved_or_nothing(
    data_cache: Path, data: bytes, done: set[int], where: int, value: int
) -> None:
    outputs = np.frombuffer(data, np.int8).reshape(SHAPE)
    kept = Checkpoint(SHAPE, PARTS, "some interpreter", outputs)
    kept.save(outputs, done)
    found, parts = Checkpoint(SHAPE, PARTS, "some interpreter", outputs).load()
    np.testing.assert_array_equal(found, outputs)
    assert parts == done

    written = bytearray(kept.path.read_bytes())
    where %= len(written)
    damaged = written[where] != value
    written[where] = value
    kept.path.write_bytes(written)
    assert kept.load()[1] == (set() if damaged else done)
    kept.path.write_bytes(written[:where])
    assert kept.load()[1] == set()
    kept.remove()
    assert kept.load()[1] == set()
