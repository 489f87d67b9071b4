"""Extras are called as the distribution calls them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import get_args

from tinybench.extras import DISTRIBUTION, Extra, installing


def test_each_is_an_extra_of_the_distribution(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert project["name"] == DISTRIBUTION
    assert set(get_args(Extra)) == set(project["optional-dependencies"]) - {"dev"}


def test_the_command_is_one_that_a_shell_takes() -> None:
    assert installing("boards") == "pip install 'tinybench-suite[boards]'"
