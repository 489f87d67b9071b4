"""Fixtures that all tests share: an isolated cache, the shared data, a world without a simulator."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fakes import (
    DEVICE_TOML,
    MODEL_BYTES,
    MODEL_TOML,
    REPOSITORY,
    TASK_TOML,
    FakeModel,
    FakeRunner,
    World,
    clear_specs,
    load_document,
    load_samples,
)
from site_fixtures import built_site
from tinybench import content
from tinybench.runners import registry

__all__ = ["built_site"]


@pytest.fixture(scope="session", autouse=True)
def isolated_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache for the whole session: nothing of the user's is read, and firmware is compiled once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYBENCH_CACHE", str(folder))
        patch.delenv("TINYBENCH_DEBUG", raising=False)
        yield folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The data folder beside the checkout."""
    configured = os.environ.get("TINYBENCH_SHARED_DATA")
    folder = Path(configured) if configured else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"shared data is not here: {folder} (TINYBENCH_SHARED_DATA says where it is)")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Content folders in a temporary folder, with the fake model, runner and samples in place."""
    import tinybench.models

    root = tmp_path / "content"
    for name in ("tasks/demo/smoke", "reference_models/demo", "runners/devices", "runners/firmware"):
        (root / name).mkdir(parents=True)
    (root / "tasks/demo/task.toml").write_text(TASK_TOML.format(id="demo", zeros="0" * 64))
    digest = hashlib.sha256(MODEL_BYTES).hexdigest()
    (root / "reference_models/demo/model.toml").write_text(MODEL_TOML.format(sha256=digest))
    (root / "reference_models/demo/demo.tflite").write_bytes(MODEL_BYTES)
    (root / "runners/devices/demo-board.toml").write_text(DEVICE_TOML)
    made = World(root=root, runner=FakeRunner(), model=FakeModel(root / "reference_models/demo/demo.tflite"))

    def load(path: Path) -> FakeModel:
        made.model.path = path
        return made.model

    samples = ModuleType("tinybench.datasets.samples")
    vars(samples).update(front_end_of=lambda task: None, load_samples=load_samples)
    entry = EntryPoint(name="fake", value="nowhere:Fake", group=registry.PLUGINS.group)
    monkeypatch.setattr(content, "root", lambda: root)
    monkeypatch.setattr(tinybench.models.Model, "load", staticmethod(load))
    monkeypatch.setitem(sys.modules, "tinybench.datasets.samples", samples)
    monkeypatch.setattr(
        "tinybench.datasets.splits.default_split",
        lambda task: "official" if made.official_present else "smoke",
    )
    monkeypatch.setattr(registry.PLUGINS, "entries", {"fake": entry})
    monkeypatch.setattr(registry.PLUGINS, "_made", {})
    monkeypatch.setattr(EntryPoint, "load", lambda entry: lambda: made.runner)
    clear_specs()
    yield made
    clear_specs()


@pytest.fixture
def document() -> dict[str, Any]:
    """A result as parsed JSON; its id is right."""
    return load_document()
