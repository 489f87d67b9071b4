from __future__ import annotations

from pathlib import Path

from tinybench import content


def test_in_a_checkout_the_root_is_the_checkout(repository: Path) -> None:
    assert content.root() == repository


def test_folders_of_the_checkout_exist() -> None:
    assert (content.tasks_dir() / "kws" / "task.toml").is_file()
    assert all(folders[0].is_dir() for folders in (content.model_dirs(), content.device_dirs()))
    assert content.firmware_dir().is_dir()
