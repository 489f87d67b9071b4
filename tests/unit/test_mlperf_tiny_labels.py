"""Labels: from a file, and what is known without one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import DataError
from tinybench.mlperf_tiny.labels import label_of, read_labels


def test_a_file_of_labels() -> None:
    content = (
        b"emu_s_002009.bin,10,2\r\nnormal_id_01_00000003_hist_librosa.bin,2,0,2560,512\r\n\r\na/b.bin, 2, 1"
    )
    assert read_labels(content, "y_labels.csv") == {
        "emu_s_002009.bin": 2,
        "normal_id_01_00000003_hist_librosa.bin": 0,
        "b.bin": 1,
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a.bin,10,2\nb.bin", "line 2 is no label"),
        (b"a.bin,10,10", "line 1 is no label"),
        (b"a.bin,10,-1", "line 1 is no label"),
        (b",10,1", "line 1 is no label"),
        (b"a.bin,ten,1", "line 1 is no label"),
        ("a.bin,10,²".encode(), "line 1 is no label"),
        (b"a.bin,10,1\na.bin,10,2", "line 2 gives a.bin a second class"),
    ],
)
def test_no_file_of_labels(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_labels(content, "y_labels.csv")


@pytest.mark.parametrize(
    ("task", "file", "label"),
    [
        ("kws", "tst_000000_Stop_7.bin", 7),
        ("kws", "tst_000014_Silence_10.bin", 10),
        ("kws", "tst_000014_Silence_10.wav", None),
        ("kws", "../tst_000014_Silence_10.bin", None),
        ("ad", "normal_id_01_00000003_hist_librosa.bin", 0),
        ("ad", "anomaly_id_01_00000003_hist_librosa.bin", 1),
        ("ad", "id_01_00000003_hist_librosa.bin", None),
        ("vww", "000000000724.bin", 0),
        ("vww", "000000343218.bin", 1),
        ("vww", "000000000001.bin", None),
        ("ic", "emu_s_002009.bin", None),
        ("sww", "long_wav.wav", None),
    ],
)
def test_what_is_known_anyway(task: str, file: str, label: int | None) -> None:
    assert label_of(task, file) == label


@given(st.text() | st.binary())
def test_nothing_breaks_the_reader(content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    with suppress(DataError):
        read_labels(data, "x")
