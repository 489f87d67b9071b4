"""The public names are public on purpose."""

from __future__ import annotations

import inspect
import subprocess
import sys

import tinybench


def test_all_is_what_dir_shows() -> None:
    assert tinybench.__all__ == sorted(tinybench.__all__)
    assert dir(tinybench) == sorted(tinybench.__all__)
    assert set(tinybench._HOMES) == set(tinybench.__all__) - {"__version__"}


def test_every_public_name_exists_and_is_documented() -> None:
    for name in tinybench.__all__:
        value = getattr(tinybench, name)
        assert name == "__version__" or inspect.getdoc(value)


def test_no_public_name_is_hidden_by_a_submodule() -> None:
    code = (
        "import pkgutil, tinybench;"
        "modules = {m.name for m in pkgutil.iter_modules(tinybench.__path__)};"
        "raise SystemExit(' '.join(modules & set(tinybench.__all__)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_star_import_gives_all_and_nothing_else() -> None:
    names: dict[str, object] = {}
    exec("from tinybench import *", names)
    assert set(names) - {"__builtins__"} == set(tinybench.__all__)


def test_unknown_attribute() -> None:
    assert not hasattr(tinybench, "no_such_name")


def test_import_is_cheap() -> None:
    code = (
        "import sys, tinybench;"
        "heavy = {'numpy', 'pydantic', 'rich', 'click', 'httpx', 'unicorn'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_run_signature() -> None:
    assert str(inspect.signature(tinybench.run)) == (
        "(task: 'str', runner: 'str' = 'tflm-sim', *, device: 'str | None' = None, "
        "clock_hz: 'int | None' = None, "
        "model: 'str | os.PathLike[str] | None' = None, split: 'str | None' = None, "
        "data: 'str | os.PathLike[str] | None' = None, "
        "limit: 'int | None' = None, samples: 'int' = 8, toolchain: 'str' = 'zig', "
        "code: 'str' = 'flash', weights: 'str' = 'flash', bench: 'Bench | None' = None, "
        "output: 'str | os.PathLike[str] | None' = None, "
        "offline: 'bool' = False, progress: 'Progress | None' = None) -> 'Result'"
    )


def test_profile_signature() -> None:
    assert str(inspect.signature(tinybench.profile)) == (
        "(subject: 'str | os.PathLike[str]', *, device: 'str | None' = None, clock_hz: 'int | None' = None, "
        "model: 'str | os.PathLike[str] | None' = None, samples: 'int' = 8, toolchain: 'str' = 'zig', "
        "code: 'str' = 'flash', weights: 'str' = 'flash', "
        "duty_cycle: 'str | None' = None, battery: 'str | None' = None, "
        "offline: 'bool' = False, progress: 'Progress | None' = None) -> 'Profile'"
    )
