from __future__ import annotations

import gc
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tinybench
from fakes import FakeTensor, World, clear_specs
from tinybench.errors import (
    ContentError,
    ModelError,
    OfflineError,
    OutputError,
    UnknownNameError,
    UsageError,
)
from tinybench.results import record as record_module
from tinybench.results import store


def run(**options: Any) -> tinybench.Result:
    return tinybench.run("demo", runner="fake", **options)


def test_a_run_gives_a_result_and_writes_nothing_unasked(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    result = run()
    assert result.path is None
    assert (result.task.id, result.model.name, result.device.id, result.runner) == (
        "demo",
        "demo",
        "demo-board",
        "fake",
    )
    latency = result.metric("latency.per_inference")
    assert latency is not None
    assert (latency.value, latency.unit, latency.mode) == (0.01234567, "s", "simulated")
    assert list(work.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_metrics_are_in_the_order_of_the_schema_and_none_is_forgotten(world: World) -> None:
    result = run()
    assert [m.name for m in result.metrics] == [
        "accuracy.top1",
        "latency.per_inference",
        "memory.arena",
        "cycles.per_inference",
    ]
    missing = {m.name: m.reason for m in result.unavailable}
    assert missing["energy.per_inference"] == "the [demo] board has no meter"
    assert missing["throughput"] == "the runner does not report it"
    assert "accuracy.auc" not in missing


def test_result_and_evidence_are_written_and_verify(world: World, tmp_path: Path) -> None:
    result = run(output=tmp_path / "out")
    assert result.path is not None
    assert result.path.parent == tmp_path / "out"
    assert tinybench.verify_result(result.path) == result
    assert tinybench.load_result(result.path).to_json() == result.path.read_bytes()


def test_same_inputs_give_the_same_id_and_bytes(world: World) -> None:
    first, second = run().model_dump(), run().model_dump()
    for volatile in ("created", "environment"):
        del first[volatile], second[volatile]
    assert first == second


def test_without_official_data_smoke_is_used_and_said(world: World) -> None:
    result = run()
    assert result.data.split == "smoke"
    assert not result.publishable
    assert "smoke split" in result.not_publishable_because[0]
    assert any("10 synthetic samples" in note for note in result.notes)


def test_the_id_does_not_depend_on_how_the_split_was_chosen(world: World) -> None:
    assert run().id == run(split="smoke").id
    world.official_present = True
    assert run().id == run(split="official").id


def test_official_data_is_used_when_it_is_there(world: World) -> None:
    world.official_present = True
    result = run()
    assert result.data.split == "official"
    assert result.publishable
    assert result.notes == ("a fake run",)


def test_smoke_can_be_chosen_with_the_official_data_there(world: World) -> None:
    world.official_present = True
    result = run(split="smoke")
    assert result.data.split == "smoke"
    assert not any("fetch" in note for note in result.notes)


def test_a_model_that_has_seen_the_official_test_is_never_publishable(world: World) -> None:
    path = world.root / "reference_models/demo/model.toml"
    path.write_text(path.read_text().replace("seen_official_test = false", "seen_official_test = true"))
    world.official_present = True
    result = tinybench.run("demo", "fake")
    assert result.data.split == "official"
    assert not result.publishable
    assert result.not_publishable_because == ("the model was trained on clips of the official test side",)


def test_a_limited_run_is_never_publishable(world: World) -> None:
    world.official_present = True
    result = run(limit=3)
    assert (result.data.samples, result.data.limit) == (3, 3)
    assert not result.publishable
    assert "limited to 3 samples" in result.not_publishable_because[0]


@pytest.mark.parametrize(("accuracy", "met"), [(0.9, True), (0.899, False)])
def test_target(world: World, accuracy: float, met: bool) -> None:
    world.official_present = True
    world.runner.accuracy = accuracy
    result = run()
    assert result.target == 0.9
    assert result.target_met is met


@pytest.mark.parametrize("options", [{"split": "smoke"}, {"limit": 3}])
def test_the_target_is_for_the_whole_official_split(world: World, options: dict[str, Any]) -> None:
    world.official_present = True
    assert run(**options).target_met is None


def test_clock(world: World) -> None:
    assert run().device.clock_hz == 100_000_000
    result = run(clock_hz=64_000_000)
    assert result.device.clock_hz == 64_000_000
    assert world.runner.seen[-1].device.clock_hz.value == 64_000_000
    assert result.id != run().id


@pytest.mark.parametrize("clock_hz", [0, -1, 100_000_001])
def test_a_clock_that_the_device_does_not_have(world: World, clock_hz: int) -> None:
    with pytest.raises(UsageError, match="does not run at"):
        run(clock_hz=clock_hz)
    assert not world.runner.seen


@pytest.mark.parametrize(
    "use",
    [
        lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
        lambda: socket.getaddrinfo("example.org", 443),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
        lambda: urllib.request.urlopen("http://127.0.0.1:9/", timeout=1),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_offline_refuses_the_network(world: World, tmp_path: Path, use: Callable[[], Any]) -> None:
    world.runner.during = use
    with pytest.raises(OfflineError, match="wanted the network") as caught:
        run(offline=True, output=tmp_path / "out")
    assert caught.value.exit_code == 1
    assert not (tmp_path / "out").exists()
    del caught
    gc.collect()  # refused sockets are never closed: their warning belongs to this test, not to a later one


def test_offline_ends_with_the_run_and_spares_local_sockets(world: World) -> None:
    def local() -> None:
        one, two = socket.socketpair()
        one.close()
        two.close()

    world.runner.during = local
    run(offline=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_no_network_is_used(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("network used")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert run(offline=True, output=tmp_path).path is not None


def test_checked_inputs_are_no_more_than_there_are(world: World) -> None:
    run(samples=100)
    run(samples=2)
    assert [workload.setup.checked_inputs for workload in world.runner.seen] == [10, 2]


def test_progress_is_reported(world: World) -> None:
    seen: list[tuple[str, int, int]] = []
    run(progress=lambda *step: seen.append(step))
    assert ("samples", 10, 10) in seen
    assert ("execute", 2, 2) in seen


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"runner": "fakee"}, "unknown runner 'fakee'", "did you mean 'fake'?"),
        ({"device": "demo-bord"}, "unknown device 'demo-bord'", "did you mean 'demo-board'?"),
        ({"model": "demmo"}, "unknown model 'demmo'", "did you mean 'demo'?"),
        ({"split": "smokey"}, "unknown split 'smokey'", "did you mean 'smoke'?"),
    ],
)
def test_unknown_names_suggest_the_right_one(
    world: World, options: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(UnknownNameError) as caught:
        tinybench.run("demo", **{"runner": "fake"} | options)
    assert caught.value.message == message
    assert hint in (caught.value.hint or "")


def test_unknown_task(world: World) -> None:
    with pytest.raises(UnknownNameError, match="unknown task 'demmo'"):
        tinybench.run("demmo", runner="fake")


@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": -1}, {"samples": 0}])
def test_counts_are_at_least_one(world: World, options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        run(**options)


@pytest.mark.parametrize(
    ("kind", "tensor", "says"),
    [
        ("input", FakeTensor((1, 49, 10, 1)), "input shape is 1x49x10x1, but task 'demo' needs 1x4"),
        ("input", FakeTensor((4,)), "input shape is 4, but"),
        ("output", FakeTensor((1, 12)), "output shape is 1x12, but task 'demo' needs 1x2"),
        ("input", FakeTensor((1, 4), dtype="FLOAT32"), "input is float32"),
        ("output", FakeTensor((1, 2), dtype="UINT8"), "output is uint8"),
    ],
)
def test_a_model_of_the_wrong_shape_is_refused(
    world: World, kind: str, tensor: FakeTensor, says: str, tmp_path: Path
) -> None:
    setattr(world.model, kind, tensor)
    with pytest.raises(ModelError, match=says):
        run(model=tmp_path / "mine.tflite", output=tmp_path / "out")
    assert not world.runner.seen
    assert not (tmp_path / "out").exists()


def test_own_model_by_path(world: World, tmp_path: Path) -> None:
    assert run(model=tmp_path / "mine.tflite").model.name == "mine"
    assert run(model="mine.tflite").model.name == "mine"
    assert run(model=f"{tmp_path}/other").model.name == "other"


def test_a_home_that_is_not_there(world: World) -> None:
    with pytest.raises(UsageError, match="--model: there is no home folder of '~nosuchuser'"):
        run(model="~nosuchuser/mine.tflite")


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("caf\udce9", "caf\ufffd"),
        ("a\nb\x1b[31m", "a\ufffdb\ufffd[31m"),
        ("x" * 240, "x" * 80),
        ("é" * 100, "é" * 40),
        ("x" + "é" * 100, "x" + "é" * 39),
    ],
    ids=["not UTF-8", "control characters", "long", "long, two bytes each", "cut inside a character"],
)
def test_names_of_model_files_fit_every_file_system(
    world: World, tmp_path: Path, stem: str, name: str
) -> None:
    result = run(model=tmp_path / f"{stem}.tflite", output=tmp_path / "out")
    assert result.model.name == name
    assert tinybench.verify_result(str(result.path)) == result


def test_reference_model_must_be_the_file_that_was_published(world: World) -> None:
    world.model.data = b"changed"
    with pytest.raises(ModelError, match="SHA-256"):
        run()
    assert run(model=world.model.path).model.name == "demo"


def test_reference_model_of_another_task(world: World) -> None:
    path = world.root / "reference_models/demo/model.toml"
    path.write_text(path.read_text().replace('task = "demo"', 'task = "other"'))
    clear_specs()
    with pytest.raises(UsageError, match="is for task 'other', not 'demo'"):
        run()


def test_broken_content_stops_the_run(world: World) -> None:
    (world.root / "runners/devices/broken.toml").write_text("id = ")
    clear_specs()
    with pytest.raises(ContentError, match=r"broken\.toml"):
        run()


def test_output_is_checked_before_the_long_run(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as caught:
        run(output=tmp_path / "file" / "results")
    assert caught.value.exit_code == 2
    assert not world.runner.seen


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit])
def test_stopped_in_the_middle_leaves_nothing(
    world: World, tmp_path: Path, error: type[BaseException]
) -> None:
    def stop() -> None:
        raise error

    world.runner.during = stop
    with pytest.raises(error):
        run(output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_commit_is_none_outside_a_checkout(world: World) -> None:
    record_module.checkout_commit.cache_clear()
    assert record_module.checkout_commit() is None
    record_module.checkout_commit.cache_clear()


def test_commit_of_a_checkout(repository: Path) -> None:
    if not (repository / ".git").exists():
        pytest.skip("not a git checkout")
    record_module.checkout_commit.cache_clear()
    commit = record_module.checkout_commit()
    assert commit is not None
    assert len(commit.removesuffix("-dirty")) == 40


def test_default_file_name(world: World, tmp_path: Path) -> None:
    result = run(output=tmp_path)
    assert result.path == tmp_path / f"demo_demo_demo-board_fake_{result.id}.json"
    assert store.evidence_folder(result.path).is_dir()
