"""From matplotlib's SVG to what the site ships: small, with tooltips and links, and safe to open by itself.

An SVG that is opened as a document may run scripts. Here is none: every name is text of an element, and links
are relative addresses that this project makes. A strict content security policy refuses nothing of it: there
are no style attributes either.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tinybench.leaderboard.figures.palette import DARK

FONTS: Final = "DejaVu Sans, Verdana, Arial, sans-serif"
"""Text is laid out with the first, which is as wide as the second and wider than the others."""

_SVG: Final = "http://www.w3.org/2000/svg"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_NUMBER: Final = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE: Final = re.compile(r"#([\w.-]+)")


@dataclass(frozen=True)
class Mark:
    """What one point of a figure is about."""

    tip: str
    href: str
    """Relative to the SVG."""


def finish(
    drawn: bytes, title: str, description: str, marks: Mapping[str, Sequence[Mark | None]]
) -> ET.Element:
    """Shrink a drawing, and add title, description, tooltips and links.

    Args:
        drawn: SVG of matplotlib.
        title: plain text.
        description: plain text: the alt text.
        marks: group id of a series -> its points, in the order in which they were drawn; None: no link.

    Raises:
        ValueError: a series has not as many points as marks.
    """
    root = ET.fromstring(drawn)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in ("metadata", "style"):
                parent.remove(child)
    groups = {group.get("id"): group for group in root.iter("g") if group.get("id") in marks}
    series = {name: _uses(group) for name, group in groups.items() if name is not None}
    for element in root.iter():
        _plain_attributes(element)
    _short_ids(root)
    for name, own in marks.items():
        _link(series.get(name, []), own, name)
    _hoist(root)
    _flatten(root)
    root.attrib = {
        "xmlns": _SVG,
        "viewBox": root.get("viewBox", ""),
        "font-family": FONTS,
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }
    for tag, text in (("desc", description), ("title", title)):
        added = ET.Element(tag)
        added.text = text
        root.insert(0, added)
    return root


def serialised(root: ET.Element) -> bytes:
    """The bytes of a figure."""
    return (ET.tostring(root, encoding="unicode") + "\n").encode()


def darken(root: ET.Element) -> None:
    """Turn a light figure into the dark one."""
    for element in root.iter():
        for name in ("fill", "stroke"):
            color = element.get(name, "none")
            if color != "none":
                element.set(name, DARK[color])


def _uses(group: ET.Element) -> list[tuple[ET.Element, ET.Element]]:
    """Marks of a series, each with its parent."""
    return [(parent, child) for parent in group.iter("g") for child in parent if child.tag == "use"]


def _plain_attributes(element: ET.Element) -> None:
    """Style as attributes, fewer digits, href without a namespace."""
    attributes = dict(element.attrib)
    for declaration in attributes.pop("style", "").split(";"):
        name, colon, value = declaration.partition(":")
        if colon and name.strip() != "font-family":
            attributes[name.strip()] = value.strip()
    if _HREF in attributes:
        attributes["href"] = attributes.pop(_HREF)
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    for name in attributes.keys() & {"d", "x", "y", "transform", "width", "height"}:
        short = _NUMBER.sub(
            lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), attributes[name]
        )
        attributes[name] = " ".join(short.split())
    element.attrib = attributes
    element.tail = None
    if element.tag != "text":
        element.text = None


def _short_ids(root: ET.Element) -> None:
    """Keep the ids that something refers to, and shorten them."""
    wanted: dict[str, str] = {}
    for element in root.iter():
        for name in ("href", "clip-path"):
            found = _REFERENCE.search(element.get(name, ""))
            if found:
                new = wanted.setdefault(found[1], f"s{len(wanted)}")
                element.set(name, element.attrib[name].replace(found[0], f"#{new}"))
    for element in root.iter():
        name = element.attrib.pop("id", "")
        if name in wanted:
            element.set("id", wanted[name])


def _link(uses: Sequence[tuple[ET.Element, ET.Element]], marks: Sequence[Mark | None], name: str) -> None:
    if len(uses) != len(marks):
        raise ValueError(f"series {name} was drawn with {len(uses)} points, not {len(marks)}")
    for (parent, use), mark in zip(uses, marks, strict=True):
        if mark is not None:
            at = list(parent).index(use)
            link = ET.Element("a", {"href": mark.href})
            tip = ET.SubElement(link, "title")
            tip.text = mark.tip
            link.append(use)
            parent[at] = link


_SHARED: Final = ("fill", "stroke", "stroke-width", "stroke-linejoin", "opacity", "clip-path")


def _hoist(root: ET.Element) -> None:
    """What all marks of a group have in common is said once."""
    for group in list(root.iter("g")):
        uses = [use for child in group for use in ([child] if child.tag == "use" else child.findall("use"))]
        if len(uses) < 2 or len(list(group)) != len(uses):
            continue
        for name in _SHARED:
            values = {use.get(name) for use in uses}
            value = values.pop()
            if not values and value is not None and name != "opacity" and group.get(name) is None:
                group.set(name, value)
                for use in uses:
                    del use.attrib[name]


def _flatten(parent: ET.Element) -> None:
    """Replace groups that say nothing by what they hold."""
    kept: list[ET.Element] = []
    for child in list(parent):
        _flatten(child)
        if child.tag == "g" and not child.attrib:
            kept += list(child)
        elif child.tag != "defs" or len(child):
            kept.append(child)
    parent[:] = kept
