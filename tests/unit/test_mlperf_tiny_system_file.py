from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import published_trees as trees
from tinybench.errors import DataError
from tinybench.mlperf_tiny.system_file import SystemFile, read_system_file


def read(text: str) -> SystemFile:
    return read_system_file(text.encode(), "a.json")


def test_a_valid_description() -> None:
    file = read_system_file(trees.system(), "a.json")
    assert file.repaired is None
    assert file.text("Board Name") == "NUCLEO-L4R5ZI"
    assert file.text("operating system") == "bare metal"
    assert file.text("Accelerator") is None
    assert file.text("No such key") is None


@given(st.dictionaries(st.text(min_size=1), st.text() | st.none() | st.integers(), max_size=5))
def test_json_is_read_as_json(document: dict[str, object]) -> None:
    file = read(json.dumps(document))
    assert file.repaired is None
    assert set(file.values) == {" ".join(key.split()) for key in document}


@pytest.mark.parametrize("key", ["N/A", "n/a", "", " ", "None", "-"])
def test_words_that_say_nothing(key: str) -> None:
    assert read(json.dumps({"Board Name": key})).text("Board Name") is None


def test_repeated_keys_of_the_template() -> None:
    file = read('{"Inference Framework": "LEIP", "A": "1", "Inference Framework": "", "A": "1"}')
    assert (file.text("Inference Framework"), file.text("A"), file.repaired) == ("LEIP", "1", None)
    file = read('{"Inference Framework": "hls4ml", "Inference Framework": "FINN"}')
    assert file.text("Inference Framework") == "hls4ml; FINN"


def test_an_object_stays_json() -> None:
    file = read('{"Software Libraries": {"TVM": {"SHA": "e3a6"}}, "Empty": {}}')
    assert file.text("Software Libraries") == '{"TVM": {"SHA": "e3a6"}}'
    assert file.text("Empty") is None


@pytest.mark.parametrize(
    "text",
    [
        '{"A": "1", "B": {"C": "2"}\n\t"D": "3"}',  # a comma is missing after an object
        '{"A": "1"\n "B": {"C": "2"}, "D": "3"}',  # and after a text
        '{"A": "1", "B": {"C": "2",}, "D": "3",}',  # one too many
        '{"A": "1", // a comment\n "B": {"C": "2"}, /* another */ "D": "3"}',
        '{A: "1", B: {C: 2}, D: 3}',  # words without quotes
        "{'A': '1', 'B': {'C': '2'}, 'D': '3'}",
        '{"A": "1", "B": {"C": "2"}, "D": "3"',  # cut
    ],
)
def test_what_published_files_do_to_json(text: str) -> None:
    file = read(text)
    assert file.repaired is not None
    assert (file.text("A"), file.text("D")) == ("1", "3")
    assert json.loads(file.text("B") or "") == {"C": "2"}


def test_a_text_over_several_lines() -> None:
    file = read('{"Hardware Notes": "one,\n\t\t two", "A": "b"}')
    assert file.text("Hardware Notes") == "one, two"
    assert file.repaired is not None


def test_escapes_in_repaired_files() -> None:
    assert read(r'{"A": "x\"y\u00e9\n\t\\", }').text("A") == 'x"yé \\'


def test_a_byte_order_mark_and_other_encodings() -> None:
    assert read_system_file(b'\xef\xbb\xbf{"A": "b"}', "a.json").repaired is None
    assert read_system_file(b'{"A": "Cortex\xae"}', "a.json").text("A") == "Cortex\ufffd"


@pytest.mark.parametrize(
    "text",
    ["", "[]", '"text"', "12", "no json at all", '{"A": "no end', "{" * 100, '{"A": ]}', '{"A" "b"}', "{,:}"],
)
def test_what_cannot_be_made_out(text: str) -> None:
    with pytest.raises(DataError, match=r"^a\.json: "):
        read(text)


@given(st.text(alphabet="{}[]:,\"'\\/*# \nab1", max_size=60))
def test_nothing_else_is_raised(text: str) -> None:
    with suppress(DataError):
        assert isinstance(read(text), SystemFile)


@pytest.mark.parametrize(
    "text", ['{"A": ' + "[" * 20_000, '{"A": "' + "x" * 100_000, '{"A": ' + "{'B':" * 5000]
)
def test_hostile_files_end_quickly(text: str) -> None:
    with pytest.raises(DataError, match=r"a\.json: "):
        read(text)


def test_a_file_of_any_size_is_not_read() -> None:
    with pytest.raises(DataError, match=r"a\.json: is larger than"):
        read_system_file(b" " * 300_000, "a.json")
