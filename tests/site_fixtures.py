"""The site of this repository, built once for all tests that look at it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from filelock import FileLock

from fakes import REPOSITORY

CACHE: Final = {key: os.environ[key] for key in ("TINYBENCH_CACHE",) if key in os.environ}
"""Where it is before tests isolate themselves: executing simulated results again takes minutes, once."""


@contextmanager
def lasting_cache() -> Iterator[None]:
    """The cache as it is outside of the tests, for what would take minutes without it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TINYBENCH_CACHE", raising=False)
        for key, value in CACHE.items():
            patch.setenv(key, value)
        yield


def build_site(output: Path, *options: str) -> Path:
    """Build a site as a user does; gives back its folder."""
    command = [sys.executable, "-m", "tinybench", "site", "build", "--root", str(REPOSITORY)]
    with lasting_cache():
        done = subprocess.run(
            [*command, "--output", str(output), *options], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    return output


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The site of the submissions of this repository, one for all processes of the tests."""
    base = tmp_path_factory.getbasetemp()
    site = (base if worker_id == "master" else base.parent) / "site-of-the-repository"
    with FileLock(f"{site}.lock"):
        return site if site.exists() else build_site(site)
