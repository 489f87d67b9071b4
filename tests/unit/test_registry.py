from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from tinybench.cli import doctor, main
from tinybench.errors import ContentError, UnknownNameError
from tinybench.plugins import Plugins
from tinybench.runners import registry
from tinybench.runners.base import Runner


class Good:
    name = "good"
    interface = 1
    summary = "a runner"
    runs_on = "simulator"

    def check(self, setup: object) -> None: ...

    def check_device(self, device: object) -> None: ...

    def measure(self) -> None: ...


class Misnamed(Good):
    name = "other"
    summary = "a runner that calls itself something else"


class Unfinished:
    name = "unfinished"
    interface = 1
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


def test_two_runners_of_one_name_are_refused_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (entry("a", "one:A"), entry("a", "two:A"), entry("good", f"{__name__}:Good"))
    plugins: Plugins[Runner] = Plugins("runner", "tinybench.runners", 1, "Runner", ("name",))
    monkeypatch.setattr(plugins, "_found", found)
    assert plugins.names() == ("a", "good")
    assert list(plugins.all()) == ["good"]
    with pytest.raises(ContentError, match="two runners are called 'a': one:A and two:A"):
        plugins.get("a")


def test_the_same_entry_found_twice_is_one_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = entry("good", f"{__name__}:Good")
    plugins: Plugins[Runner] = Plugins("runner", "tinybench.runners", 1, "Runner", ("name",))
    monkeypatch.setattr(plugins, "_found", (twice, twice))
    assert list(plugins.all()) == ["good"]


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
    with pytest.raises(ContentError, match="has no runs_on and no check and no check_device and no measure"):
        registry.runner("unfinished")


def test_listing_names_imports_no_simulator() -> None:
    code = (
        "import sys; from tinybench.runners import runner_names; runner_names();"
        "heavy = {'numpy', 'unicorn', 'capstone', 'tflite_micro', 'pydantic'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("stated", "says", "hint"),
    [
        (99, "was made for interface 99 of tinybench.runners; tinybench .* interface 1$", "upgrade tiny"),
        (0, "was made for interface 0", "upgrade the package that provides it"),
        (None, "states no interface", "its author adds 'interface = 1'"),
        ("1", "states an interface that is no whole number: '1'", "its author adds 'interface = 1'"),
        (True, "states an interface that is no whole number: True", "its author adds 'interface = 1'"),
    ],
)  # fmt: skip
def test_a_runner_for_another_tinybench_is_refused_by_name(
    installed: dict[str, EntryPoint], monkeypatch: pytest.MonkeyPatch, stated: object, says: str, hint: str
) -> None:
    monkeypatch.setattr(Misnamed, "interface", stated)
    installed["good"] = entry("good", f"{__name__}:Good")
    installed["other"] = entry("other", f"{__name__}:Misnamed")
    with pytest.raises(ContentError, match=rf"runner 'other' \({__name__}:Misnamed\) {says}") as caught:
        registry.runner("other")
    assert (caught.value.hint or "").startswith(hint)
    assert list(registry.runners()) == ["good"]
    assert list(registry.PLUGINS.broken()) == ["other"]


def test_the_interface_is_looked_at_before_the_parts(installed: dict[str, EntryPoint]) -> None:
    """A protocol of another version may well have other parts."""
    installed["bare"] = entry("bare", f"{__name__}:Bare")
    with pytest.raises(ContentError, match="made for interface 2"):
        registry.runner("bare")


class Bare:
    interface = 2


class Exits:
    def __init__(self) -> None:
        sys.exit("no licence")


class Fails:
    def __init__(self) -> None:
        raise RuntimeError("no licence\nand more")


@pytest.mark.parametrize(
    ("kind", "says"), [("Exits", "SystemExit: no licence"), ("Fails", "RuntimeError: no licence")]
)
def test_whatever_a_plugin_raises_is_its_own_error(
    installed: dict[str, EntryPoint], kind: str, says: str
) -> None:
    installed["bad"] = entry("bad", f"{__name__}:{kind}")
    installed["good"] = entry("good", f"{__name__}:Good")
    assert list(registry.runners()) == ["good"]
    assert registry.PLUGINS.broken()["bad"].message.endswith(f"cannot be loaded: {says}")


def test_a_broken_runner_is_named_beside_the_others(
    installed: dict[str, EntryPoint], capsys: pytest.CaptureFixture[str]
) -> None:
    installed["bad"] = entry("bad", "no.such.module:Runner")
    installed["good"] = entry("good", f"{__name__}:Good")
    assert main(["list", "runners"]) == 0
    printed = capsys.readouterr()
    assert "good" in printed.out
    assert "bad" not in printed.out
    assert printed.err.startswith("warning: runner 'bad' (no.such.module:Runner) cannot be loaded: ")


def test_doctor_names_what_is_broken(installed: dict[str, EntryPoint]) -> None:
    installed["bad"] = entry("bad", "no.such.module:Runner")
    installed["good"] = entry("good", f"{__name__}:Good")
    found = {finding.check: finding for finding in doctor.plugins()}
    assert found["runners"].detail == "good"
    assert found["runner bad"].status == "fail"
    assert "no.such.module" in found["runner bad"].detail


def test_builtin_runners_are_of_no_other_package() -> None:
    assert registry.PLUGINS.package("tflm-sim") is None
    assert registry.PLUGINS.package("no-such-runner") is None
