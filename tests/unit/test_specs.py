from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes import World, clear_specs
from tinybench import specs
from tinybench.datasets.names import read_names
from tinybench.errors import ContentError, UnknownNameError


def test_content_is_found_by_folder_and_file_name(world: World) -> None:
    assert list(specs.tasks()) == ["demo"]
    assert specs.model("demo").path.is_file()
    assert specs.device("demo-board").clock_hz.value == 100_000_000


@pytest.mark.parametrize("lookup", [specs.task, specs.model, specs.device])
def test_unknown_name_lists_what_there_is(world: World, lookup: Callable[[str], object]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        lookup("demp")
    assert "demo" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("tasks/demo/task.toml", "target = 0.9", "target = 90", "target"),
        ("tasks/demo/task.toml", "target = 0.9", "", "target"),
        ("tasks/demo/task.toml", "target = 0.9", "target = 0.9\ntarget_ = 1", "target_"),
        ("tasks/demo/task.toml", "target = 0.9", "target = ", "line"),
        ("tasks/demo/task.toml", 'id = "demo"', 'id = "other"', "id"),
        ("tasks/demo/task.toml", 'subset = "test"', 'subset = "nope"', "splits.official.subset"),
        ("reference_models/demo/model.toml", "macs = 8", 'macs = "many"', "macs"),
        ("reference_models/demo/model.toml", 'sha256 = "', 'sha256 = "x', "sha256"),
        ("runners/devices/demo-board.toml", 'core = "cortex-m4"', 'core = "z80"', "core"),
        ("runners/devices/demo-board.toml", "bytes = 131072", "bytes = 0", "ram.bytes"),
        *(
            ("runners/devices/demo-board.toml", "[ram]", f"[board]\n{board}\n[ram]", expected)
            for board, expected in (
                ('usb = ["0483:374B"]\nsource = "a test, no document"', "board.usb.0"),
                ('baud = 0\nsource = "a test, no document"', "board.baud"),
                ("emulated = true", "board.source"),
            )
        ),
        *(
            ("tasks/demo/task.toml", "[dataset]", f"[serial]\n{serial}\n[dataset]", expected)
            for serial, expected in (
                ('model = "demo01"\ninput = "int16"\noutput = "tensor"', "serial.input"),
                ('model = "demo01"\ninput = "int8"', "serial.output"),
                ('model = "demo 01"\ninput = "int8"\noutput = "mse"', "serial.model"),
            )
        ),
    ],
)
def test_broken_content_names_file_and_key(
    world: World, file: str, old: str, new: str, expected: str
) -> None:
    path = world.root / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    clear_specs()
    with pytest.raises(ContentError) as caught:
        specs.tasks(), specs.models(), specs.devices()
    assert str(path) in caught.value.message
    assert expected in caught.value.message
    assert caught.value.hint


def test_a_copied_file_with_the_same_id_is_refused(world: World) -> None:
    folder = world.root / "runners/devices"
    shutil.copy(folder / "demo-board.toml", folder / "second-board.toml")
    clear_specs()
    with pytest.raises(ContentError, match=r"second-board\.toml: id: is 'demo-board'"):
        specs.devices()


def test_a_folder_without_its_file_is_refused(world: World) -> None:
    (world.root / "tasks/empty").mkdir()
    clear_specs()
    with pytest.raises(ContentError, match=r"empty/task\.toml is missing"):
        specs.tasks()


def test_not_utf8_is_refused(world: World) -> None:
    (world.root / "tasks/demo/task.toml").write_bytes(b"\xff\xfe")
    clear_specs()
    with pytest.raises(ContentError, match=r"task\.toml"):
        specs.tasks()


def test_hidden_folders_are_ignored(world: World) -> None:
    (world.root / "tasks/.cache").mkdir()
    (world.root / "tasks/_draft").mkdir()
    clear_specs()
    assert list(specs.tasks()) == ["demo"]


def test_no_content_at_all_is_no_task(world: World) -> None:
    shutil.rmtree(world.root / "tasks")
    clear_specs()
    with pytest.raises(UnknownNameError) as caught:
        specs.task("demo")
    assert caught.value.hint == "there is no task at all"


def test_every_content_file_of_the_checkout_is_valid(repository: Path) -> None:
    clear_specs()
    for task in specs.tasks().values():
        assert specs.model(task.reference_model).task == task.id
        assert specs.device(task.default_device)
        if task.metric == "top1":
            assert len(task.labels) == task.output_shape[-1]
        assert task.serial
        assert (task.serial.output == "mse") == (task.metric == "auc")
        for split in task.splits.of_subsets.values():
            assert split.names is None or read_names(task.folder / split.names)
    for model in specs.models().values():
        assert model.path.is_file() or model.download
