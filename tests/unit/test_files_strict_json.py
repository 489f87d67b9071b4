"""JSON and TOML that somebody else wrote."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import DataError
from tinybench.files import strict_json, strict_toml
from tinybench.files.strict_json import JsonLimits

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e30, 1e30)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_whatever_is_good_is_read_as_json_reads_it(value: Any, ascii_only: bool, indent: int | None) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    read = strict_json.loads(data, "x.json")
    assert read == value
    assert json.dumps(read) == json.dumps(value)  # 1 and 1.0 are equal, but not the same


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1 column 1: expecting value"),
        (b"{", "line 1 column 2: expecting property name enclosed in double quotes"),
        (b"{} {}", "line 1 column 4: extra data"),
        (b"[1,\n 2,]", "line 2 column 4: "),
        (b'{"a": [1,\n  NaN]}', "line 2 column 3: NaN is not a number"),
        (b"[-Infinity]", "line 1 column 2: -Infinity is not a number"),
        (b'["Infinity", Infinity]', "line 1 column 14: Infinity is not a number"),
        (b'["1e999", 1e999]', "line 1 column 11: number 1e999 is beyond 1e+30"),
        (b"[-1.5e30]", "line 1 column 2: number -1.5e30 is beyond 1e+30"),
        (b"[9223372036854775808]", "line 1 column 2: 9223372036854775808 has more than 64 bits"),
        (b"[" + b"9" * 5000 + b"]", "line 1 column 2: 999999999999999999999999... has more than 64 bits"),
        (b"[0." + b"1" * 70 + b"]", "has more than 64 characters"),
        (b'{"a": 1,\n "b": {"a": 2},\n "a": 3}', "line 3 column 2: key 'a' is there twice"),
        (b'{"a": 1, "\\u0061": 2}', "line 1 column 10: key 'a' is there twice"),
        (b'[{"\x7f\xc2\x85": 1, "\x7f\xc2\x85": 1}]', "key '\\x7f\\x85' is there twice"),
        (b'{"a": "b\xff"}', "byte 9 is not UTF-8"),
        (b"\xef\xbb\xbf{}", "begins with a byte order mark"),
        (b'["\\ud83d\\ude00", "\\ud800"]', "half of a surrogate pair"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b"[" * 33 + b"]" * 33, "line 1 column 33: nested more than 32 deep"),
        (b'{"a":' * 100_000, "nested more than 32 deep"),
        (b"[" * 40 + b'"' + b'\\"' * 1000, "nested more than 32 deep"),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(data: bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        strict_json.loads(data, "x.json")
    assert caught.value.message.startswith("x.json: ")
    assert message in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


def test_brackets_in_texts_are_not_counted_as_depth() -> None:
    text = "[{" * 100 + '\\"'
    assert strict_json.loads(json.dumps([text]).encode(), "x") == [text]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (JsonLimits(bytes=10), "has 13 B, more than 10 B"),
        (JsonLimits(containers=2), "more than 2 lists and objects"),
        (JsonLimits(values=4), "more than 4 values"),
        (JsonLimits(depth=2), "nested more than 2 deep"),
    ],
)
def test_limits(limits: JsonLimits, message: str) -> None:
    data = b"[1, 2, [[3]]]"
    assert strict_json.loads(data, "x", JsonLimits(bytes=13, depth=3, containers=3, values=5)) == [
        1,
        2,
        [[3]],
    ]
    with pytest.raises(DataError, match=message):
        strict_json.loads(data, "x", limits)


@given(st.binary(max_size=60) | st.text('{}[],:"\\ua1eE-.NInfinity\n', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = strict_json.loads(data, "x")
    except DataError:
        return
    assert json.loads(data) == value


@given(st.floats() | st.integers())
def test_numbers_stay_numbers_that_can_be_computed_with(number: float) -> None:
    try:
        value = strict_json.loads(json.dumps(number).encode(), "x")
    except DataError:
        assert not abs(number) <= 1e18
        return
    assert value == number
    assert math.isfinite(float(value))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a = nan", "'a' is nan"),
        (b"a = -inf", "'a' is -inf"),
        (b"[b]\na = [1e31]", "'a' is 1e\\+31"),
        (b"a = 9223372036854775808", "more than 64 bits"),
        (b"a = " + b"9" * 5000, "Exceeds the limit"),
        (b"a = 1\na = 2", "Cannot overwrite a value"),
        (b"a" + b".a" * 5000 + b" = 1", "nested more than 16 deep"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "nested more than 16 deep"),
        (b"a = '\xff'", "byte 6 is not UTF-8"),
        (b"#" * 300_000, "more than 256"),
    ],
)
def test_toml_that_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"^x\.toml: .*{message}"):
        strict_toml.loads(data, "x.toml")


def test_toml_that_is_read() -> None:
    assert strict_toml.loads(b"a = [1, 2.5, true]\n[b.c]\nd = 'e'", "x") == {
        "a": [1, 2.5, True],
        "b": {"c": {"d": "e"}},
    }
