"""The figure of ROC curves."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tinybench.training.roc import svg

SVG = "{http://www.w3.org/2000/svg}"
NORMAL = np.array([1.0, 2.0, 3.0, 4.0])


def test_each_curve_is_drawn_from_corner_to_corner_and_named_with_its_area() -> None:
    figure = svg(
        "Ours & theirs", NORMAL, {"weak": np.array([1.0, 2.0]), "<strong>": np.array([5.0, 9.0, 3.0])}
    )
    root = ET.fromstring(figure)
    assert root.findtext(f"{SVG}title") == "Ours & theirs"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "weak: AUC 0.250 (2 recordings)" in texts
    assert "<strong>: AUC 0.875 (3 recordings)" in texts
    assert "against 4 normal recordings" in (root.findtext(f"{SVG}desc") or "")
    lines = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]
    assert len(lines) == 2
    for points in lines:
        (left, bottom), (right, top) = (
            tuple(map(float, point.split(","))) for point in (points[0], points[-1])
        )
        assert left < right
        assert bottom > top
    colours = re.findall(rb'<polyline[^>]*stroke="(#[0-9a-f]{6})"', figure)
    assert len(set(colours)) == 2


def test_the_same_scores_give_the_same_bytes() -> None:
    curves = {"a": np.array([2.5, 3.5])}
    assert svg("t", NORMAL, curves) == svg("t", NORMAL.copy(), dict(curves))


@pytest.mark.parametrize("count", [0, 6])
def test_no_curve_and_more_than_can_be_told_apart_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} curves"):
        svg("t", NORMAL, {str(i): NORMAL for i in range(count)})
