"""Content of other packages: merged, or refused without harm to what is built in."""

from __future__ import annotations

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fakes import DEVICE_TOML, REPOSITORY, World, clear_specs
from tinybench import api, content, specs
from tinybench.cli import main
from tinybench.datasets import kws, registry, samples
from tinybench.errors import ContentError, UnknownNameError
from tinybench.plugins import Plugins
from tinybench.runners import registry as runners
from tinybench.runners.litert import LiteRt
from tinybench.submissions import memory

REAL_FRONT_END_OF = samples.front_end_of


def install(monkeypatch: pytest.MonkeyPatch, plugins: Plugins[Any], **objects: object) -> None:
    """Plug-ins whose entry points lead to these objects."""
    found = {name: EntryPoint(name, f"acme.{name}", plugins.group) for name in objects}
    monkeypatch.setattr(plugins, "entries", found)
    monkeypatch.setattr(plugins, "_made", {})
    monkeypatch.setattr(EntryPoint, "load", lambda entry: objects[entry.name])
    clear_specs()


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    """A content root with one device."""
    root = tmp_path / "acme"
    (root / "runners/devices").mkdir(parents=True)
    text = DEVICE_TOML.replace('id = "demo-board"', 'id = "acme-board"')
    (root / "runners/devices/acme-board.toml").write_text(text)
    return root


def test_devices_of_a_plugin_are_there_with_the_others(
    world: World, extra: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, content.PLUGINS, acme=SimpleNamespace(interface=1, root=extra))
    assert list(specs.devices()) == ["acme-board", "demo-board"]
    assert list(specs.tasks()) == ["demo"]


def test_tasks_and_models_of_a_plugin_know_their_folders(
    world: World, extra: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("tasks", "reference_models"):
        shutil.copytree(world.root / kind / "demo", extra / kind / "other")
    for path in (extra / "tasks/other/task.toml", extra / "reference_models/other/model.toml"):
        text = (
            path.read_text().replace('id = "demo"', 'id = "other"').replace('task = "demo"', 'task = "other"')
        )
        path.write_text(text.replace('reference_model = "demo"', 'reference_model = "other"'))
    install(monkeypatch, content.PLUGINS, acme=SimpleNamespace(interface=1, root=extra))
    assert specs.task("other").folder == extra / "tasks/other"
    assert specs.model("other").path == extra / "reference_models/other/demo.tflite"
    assert specs.task("demo").folder == world.root / "tasks/demo"


def test_verdicts_depend_on_content_of_plugins(
    world: World, extra: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, content.PLUGINS, acme=SimpleNamespace(interface=1, root=extra))
    before = memory._program()
    path = extra / "runners/devices/acme-board.toml"
    path.write_text(path.read_text() + "\n")
    assert memory._program() != before


def test_one_id_in_two_places_names_both_files(
    world: World, extra: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = world.root / "runners/devices/demo-board.toml"
    theirs = extra / "runners/devices/demo-board.toml"
    shutil.copy(mine, theirs)
    install(monkeypatch, content.PLUGINS, acme=SimpleNamespace(interface=1, root=extra))
    with pytest.raises(ContentError) as caught:
        specs.devices()
    assert caught.value.message == f"{theirs}: 'demo-board' is there already: {mine}"
    assert list(specs.tasks()) == ["demo"]


def test_a_broken_file_of_a_plugin_is_named(
    world: World, extra: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = extra / "runners/devices/acme-board.toml"
    path.write_text("id = ")
    install(monkeypatch, content.PLUGINS, acme=SimpleNamespace(interface=1, root=extra))
    with pytest.raises(ContentError) as caught:
        specs.devices()
    assert caught.value.message.startswith(f"{path}: ")
    assert list(specs.tasks()) == ["demo"]


def test_a_root_that_is_no_content_is_left_out_and_named(
    world: World, extra: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (extra / "file").touch()
    (extra / "empty").mkdir()
    roots = {
        "absent": (extra / "absent", "is not a folder"),
        "empty": (extra / "empty", "in which there is none of tasks, reference_models"),
        "file": (extra / "file", "is not a folder"),
        "relative": (Path("acme"), "is not absolute"),
        "text": (str(extra), "is no path"),
    }
    found = {name: SimpleNamespace(interface=1, root=root) for name, (root, _) in roots.items()}
    none = SimpleNamespace(interface=1)
    install(monkeypatch, content.PLUGINS, **found, none=none, later=SimpleNamespace(interface=2, root=extra))
    assert list(specs.devices()) == ["demo-board"]
    broken = content.PLUGINS.broken()
    for name, (_, says) in roots.items():
        assert says in broken[name].message
        assert broken[name].message.startswith(f"content '{name}' (acme.{name}) ")
    assert "has no root" in broken["none"].message
    assert "was made for interface 2 of tinybench.content" in broken["later"].message


def test_an_unknown_name_says_which_content_was_not_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, content.PLUGINS, acme=SimpleNamespace(interface=99, root=world.root))
    with pytest.raises(UnknownNameError) as caught:
        specs.device("acme-board")
    assert "known: demo-board; not looked at: content 'acme' (acme.acme) was made for interface 99" in str(
        caught.value.hint
    )


def front_end(**changes: object) -> ModuleType:
    module = ModuleType("acme.gestures")
    parts = dict.fromkeys(registry.PARTS, len) | {"LABELS": ("no", "yes"), "interface": 1} | changes
    vars(module).update(parts)
    return module


def other_task() -> specs.TaskSpec:
    return specs.task("demo").model_copy(update={"id": "gestures"})


def test_a_task_that_is_not_built_in_has_its_front_end_from_a_plugin(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = front_end()
    install(monkeypatch, registry.PLUGINS, gestures=module)
    assert REAL_FRONT_END_OF(other_task()) is module


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (front_end(interface=2), r"task 'gestures' \(acme\.gestures\) was made for interface 2"),
        (front_end(LABELS=("a", "b")), "labels differ from LABELS of its plug-in acme.gestures"),
        (ModuleType("empty"), "states no interface"),
    ],
)
def test_a_front_end_that_does_not_fit_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, module: ModuleType, says: str
) -> None:
    install(monkeypatch, registry.PLUGINS, gestures=module)
    with pytest.raises(ContentError, match=says):
        REAL_FRONT_END_OF(other_task())


def test_no_plugin_takes_the_place_of_a_task_that_is_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, registry.PLUGINS, kws=front_end())
    assert REAL_FRONT_END_OF(specs.task("kws")) is kws
    assert "is for a task that is built in" in registry.PLUGINS.broken()["kws"].message


class Distribution:
    name, version = "acme-boards", "1.2"


def test_a_result_names_the_package_that_brings_its_device(
    world: World, extra: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = EntryPoint("fake", "nowhere:Fake", runners.PLUGINS.group)
    objects = {"acme": SimpleNamespace(interface=1, root=extra), "fake": lambda: world.runner}
    install(monkeypatch, content.PLUGINS, **objects)
    entry = EntryPoint("acme", "acme.acme", content.PLUGINS.group)
    vars(entry)["dist"] = Distribution
    monkeypatch.setattr(content.PLUGINS, "entries", {"acme": entry})
    monkeypatch.setattr(runners.PLUGINS, "entries", {"fake": fake})
    for device, expected in (("acme-board", "1.2"), ("demo-board", None)):
        found = api.run("demo", "fake", device=device).environment
        assert found is not None
        assert found.packages.get("acme-boards") == expected


def test_a_list_says_which_content_is_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, content.PLUGINS, acme=SimpleNamespace(interface=1, root=Path("/nowhere/acme")))
    assert main(["list", "devices"]) == 0
    printed = capsys.readouterr()
    assert "demo-board" in printed.out
    assert printed.err.startswith(
        "warning: content 'acme' (acme.acme) has the root /nowhere/acme, which is not"
    )


def test_a_root_that_cannot_be_looked_at_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden(type(Path())):  # type: ignore[misc]
        def is_dir(self) -> bool:
            raise PermissionError(13, "Permission denied")

    install(monkeypatch, content.PLUGINS, acme=SimpleNamespace(interface=1, root=Forbidden("/secret")))
    assert list(specs.devices()) == ["demo-board"]
    assert "cannot be looked at: PermissionError" in content.PLUGINS.broken()["acme"].message


def test_a_task_of_plugins_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keyword spotting once more, as a task that is not built in: folder, model and front end."""
    for kind, file in (("tasks", "task.toml"), ("reference_models", "model.toml")):
        copy = tmp_path / kind / "words"
        shutil.copytree(REPOSITORY / kind / "kws", copy)
        text = (copy / file).read_text()
        for key in ("id", "task", "reference_model"):
            text = text.replace(f'{key} = "kws"\n', f'{key} = "words"\n')
        (copy / file).write_text(text)
    vectors = tmp_path / "tasks/words/golden.json"
    vectors.write_text(vectors.read_text().replace('"task":"kws"', '"task":"words"'))
    with content.PLUGINS.offered("words", SimpleNamespace(interface=1, root=tmp_path)):
        monkeypatch.setattr(
            content.PLUGINS, "entries", {"words": EntryPoint("words", "acme", "tinybench.content")}
        )
        monkeypatch.setattr(
            registry.PLUGINS, "entries", {"words": EntryPoint("words", "acme", "tinybench.tasks")}
        )
        with registry.PLUGINS.offered("words", kws), runners.PLUGINS.offered("litert", LiteRt()):
            clear_specs()
            found = api.run("words", "litert", split="smoke", limit=12)
            usual = api.run("kws", "litert", split="smoke", limit=12)
    clear_specs()
    assert found.task.id == "words"
    assert found.metric("accuracy.top1") == usual.metric("accuracy.top1")
    assert found.data.dataset_sha256 == usual.data.dataset_sha256
