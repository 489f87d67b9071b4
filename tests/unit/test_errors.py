from __future__ import annotations

import inspect

import pytest

from tinybench import errors
from tinybench.errors import TinybenchError, UnknownNameError, UsageError

EVERY = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, TinybenchError)]


def test_close_name_is_suggested_and_all_are_listed() -> None:
    error = UnknownNameError("task", "kwz", ["vww", "kws"])
    assert error.message == "unknown task 'kwz'"
    assert error.hint == "did you mean 'kws'? known: kws, vww"


def test_no_suggestion_for_a_name_that_is_like_nothing() -> None:
    assert UnknownNameError("task", "zzzzz", ["kws"]).hint == "known: kws"


def test_nothing_known_is_said() -> None:
    assert UnknownNameError("device", "x", []).hint == "there is no device at all"


@pytest.mark.parametrize("cls", EVERY)
def test_exit_codes_are_failure_or_wrong_input(cls: type[TinybenchError]) -> None:
    assert cls.exit_code in (1, 2)
    assert cls.__doc__


def test_docstring_shows_the_whole_tree() -> None:
    for cls in EVERY:
        assert cls.__name__ in (errors.__doc__ or "")


def test_hint_is_optional() -> None:
    assert UsageError("wrong").hint is None
    assert str(UsageError("wrong", hint="do this")) == "wrong"
