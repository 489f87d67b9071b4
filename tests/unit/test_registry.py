from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from tinybench.errors import ContentError, UnknownNameError
from tinybench.runners import registry


class Good:
    name = "good"
    summary = "a runner"
    runs_on = "simulator"

    def check(self, setup: object) -> None: ...

    def measure(self) -> None: ...


class Misnamed(Good):
    name = "other"
    summary = "a runner that calls itself something else"


class Unfinished:
    name = "unfinished"
    summary = "a runner that measures nothing"


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=registry.PLUGINS.group)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, EntryPoint]:
    entries: dict[str, EntryPoint] = {}
    monkeypatch.setattr(registry.PLUGINS, "entries", entries)
    monkeypatch.setattr(registry.PLUGINS, "_made", {})
    return entries


def test_builtin_runner_is_an_entry_point() -> None:
    assert "tflm-sim" in registry.runner_names()


def test_names_are_sorted_and_nothing_is_imported() -> None:
    found = registry.PLUGINS.index([entry("b", "no.such.module:B"), entry("a", "no.such.module:A")])
    assert list(found) == ["a", "b"]


def test_two_runners_of_one_name_are_refused() -> None:
    with pytest.raises(ContentError, match="two runners are called 'a': one:A and two:A"):
        registry.PLUGINS.index([entry("a", "one:A"), entry("a", "two:A")])


def test_the_same_entry_found_twice_is_one_runner() -> None:
    assert list(registry.PLUGINS.index([entry("a", "one:A"), entry("a", "one:A")])) == ["a"]


def test_runner_is_made_once(installed: dict[str, EntryPoint]) -> None:
    installed["good"] = entry("good", f"{__name__}:Good")
    assert registry.runner("good") is registry.runner("good")
    assert list(registry.runners()) == ["good"]


def test_unknown_runner_says_what_was_probably_meant(installed: dict[str, EntryPoint]) -> None:
    installed["tflm-sim"] = entry("tflm-sim", "x:Y")
    with pytest.raises(UnknownNameError) as caught:
        registry.runner("tflm-sin")
    assert caught.value.hint == "did you mean 'tflm-sim'? known: tflm-sim"


@pytest.mark.parametrize("value", ["no.such.module:Runner", f"{__name__}:Nothing", f"{__name__}:__name__"])
def test_broken_plugin_is_named(installed: dict[str, EntryPoint], value: str) -> None:
    installed["bad"] = entry("bad", value)
    with pytest.raises(ContentError, match=r"runner 'bad' \(.*\) cannot be loaded"):
        registry.runner("bad")


def test_runner_must_have_the_name_of_its_entry_point(installed: dict[str, EntryPoint]) -> None:
    installed["misnamed"] = entry("misnamed", f"{__name__}:Misnamed")
    with pytest.raises(ContentError, match="calls itself 'other'"):
        registry.runner("misnamed")


def test_what_a_runner_lacks_is_named(installed: dict[str, EntryPoint]) -> None:
    installed["unfinished"] = entry("unfinished", f"{__name__}:Unfinished")
    with pytest.raises(ContentError, match="has no runs_on and no check and no measure"):
        registry.runner("unfinished")


def test_listing_names_imports_no_simulator() -> None:
    code = (
        "import sys; from tinybench.runners import runner_names; runner_names();"
        "heavy = {'numpy', 'unicorn', 'capstone', 'tflite_micro', 'pydantic'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
