"""The page about plug-ins names all groups, versions and checks, and its code works."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from fakes import REPOSITORY
from tinybench import content
from tinybench.datasets import registry as tasks
from tinybench.meters import registry as meters
from tinybench.plugins import Plugins
from tinybench.runners import registry as runners
from tinybench.testing import check_runner
from tinybench.testing import content as content_checks
from tinybench.testing import meter as meter_checks
from tinybench.testing import runner as runner_checks
from tinybench.testing import task as task_checks

PAGE = (REPOSITORY / "site/docs/plugins.md").read_text()
KINDS: tuple[Plugins[Any], ...] = (runners.PLUGINS, meters.PLUGINS, tasks.PLUGINS, content.PLUGINS)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("plugins", KINDS, ids=lambda plugins: plugins.kind)
def test_each_group_is_there_with_the_version_that_is_spoken(plugins: Plugins[Any]) -> None:
    (row,) = re.findall(rf"^\| {plugins.kind} \| `{plugins.group}` \|.*\| (\d+) \|$", PAGE, re.MULTILINE)
    assert int(row) == plugins.interface


def test_the_entry_points_are_those_of_the_groups() -> None:
    (text,) = blocks("toml")
    groups = tomllib.loads(text)["project"]["entry-points"]
    assert set(groups) == {plugins.group for plugins in KINDS}


@pytest.mark.parametrize(
    ("title", "module"),
    [
        ("a runner", runner_checks),
        ("a power analyser", meter_checks),
        ("a task", task_checks),
        ("content", content_checks),
    ],
)
def test_each_check_is_there_with_what_it_is_about(title: str, module: ModuleType) -> None:
    text = PAGE.split(f"### Checks of {title}\n", 1)[1].split("\n#", 1)[0]
    checks: tuple[Callable[..., None], ...] = module.CHECKS
    said = [(check.__name__.replace("_", "-"), str(check.__doc__).splitlines()[0]) for check in checks]
    assert re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", text, re.MULTILINE) == said


def test_the_runner_of_the_page_conforms() -> None:
    (text,) = (block for block in blocks("python") if "def measure" in block)
    names: dict[str, Any] = {}
    exec(text, names)
    runner = names["MyNpu"]()
    runner.check_device = lambda device: None  # no profile here has its table
    check_runner(runner, limit=1)
