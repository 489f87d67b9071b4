"""The site of this repository, built once for all tests that look at it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fakes import REPOSITORY


def build_site(output: Path, *options: str) -> Path:
    """Build a site as a user does; gives back its folder."""
    command = [sys.executable, "-m", "tinybench", "site", "build", "--root", str(REPOSITORY)]
    done = subprocess.run(
        [*command, "--output", str(output), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return output


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> Path:
    """The site of the submissions of this repository."""
    return build_site(tmp_path_factory.mktemp("site") / "site")
