"""Confusion matrices as figures."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tinybench.errors import UsageError
from tinybench.training.accuracy import Score, score
from tinybench.training.confusion import svg

LABELS = ("no_person", "person")


def scores() -> list[Score]:
    truth = np.repeat([0, 1], [70, 30])
    answers = {"float32": truth.copy(), "int8": truth.copy()}
    answers["int8"][:11] = 1
    return [score("test", precision, answer, truth, LABELS) for precision, answer in answers.items()]


def texts(figure: bytes) -> list[str]:
    return [
        "".join(node.itertext()).strip() for node in ET.fromstring(figure).iter() if node.tag.endswith("text")
    ]


def test_counts_labels_and_shares_are_in_the_figure() -> None:
    found = texts(svg(LABELS, scores(), "vww test"))
    assert found.count("person") == 4
    assert {"59", "11", "30", "70"} <= set(found)
    assert {"vww test", "float32: 100.0% of 100", "int8: 89.0% of 100"} <= set(found)
    assert "0" not in found


def test_the_same_scores_give_the_same_bytes_without_a_date() -> None:
    first, second = (svg(LABELS, scores(), "vww test") for _ in range(2))
    assert first == second
    assert not re.search(rb"<dc:date|<image", first)


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="needs matplotlib"):
        svg(LABELS, scores(), "x")
