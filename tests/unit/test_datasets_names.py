"""Lists of names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinybench.datasets.names import read_names
from tinybench.errors import ContentError


def test_names_in_order_without_remarks(tmp_path: Path) -> None:
    path = tmp_path / "official.txt"
    path.write_text("# where it is from\nb/2.jpg\n\na/1.jpg  # why\n")
    assert read_names(path) == ("b/2.jpg", "a/1.jpg")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file"),
        (b"", "names nothing"),
        (b"# nothing\n\n", "names nothing"),
        (b"a\nb\na\n", "line 3: a is already in line 1"),
        (b"\xff\n", "can't decode"),
    ],
)
def test_a_broken_list(tmp_path: Path, text: bytes | None, reason: str) -> None:
    path = tmp_path / "official.txt"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(ContentError, match=reason) as caught:
        read_names(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
