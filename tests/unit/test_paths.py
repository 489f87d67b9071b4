from __future__ import annotations

from pathlib import Path

import pytest

from tinybench.cache import cache_dir
from tinybench.errors import UsageError
from tinybench.paths import expand
from tinybench.results.store import Destination


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand("~/x", "--output") == tmp_path / "x"
    assert expand("x/~y", "--output") == Path("x/~y")


@pytest.mark.parametrize("path", ["~nosuchuser/x", "~nosuchuser", "a\0b", "\ud800"])
def test_what_is_no_path_is_a_usage_error_that_names_the_option(path: str) -> None:
    with pytest.raises(UsageError, match=r"^--model: "):
        expand(path, "--model")


def test_wherever_a_path_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"^--output: there is no home folder of '~nosuchuser'"):
        Destination.parse("~nosuchuser/x.json")
    monkeypatch.setenv("TINYBENCH_CACHE", "~nosuchuser/cache")
    with pytest.raises(UsageError, match=r"^TINYBENCH_CACHE: "):
        cache_dir()
