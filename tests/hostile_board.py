"""Submissions whose every free text attacks whoever shows it: pages, scripts, feeds, spreadsheets.

``polite`` ones pass all checks of submissions. The others hold what these refuse (tags, invisible characters,
letters of other scripts), so that no page depends on a check to be harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import complete_submission
from complete_submission import Draft
from submission_fixtures import png
from tinybench.submissions.layout import slug

MARK: Final = "tbpwned"
"""The global variable that any script of a submission would set."""

_POLITE: Final = """" autofocus onfocus=alert(1) x='{{7*7}}{% raw %}[a](javascript:alert(1))*tbem*`"""
_SHORT: Final = """" onfocus=alert(1) '{{7*7}}[a](javascript:b)`"""
"""Where a part of a path has to follow from it."""
_RUDE: Final = (
    f"""</title></textarea></script></style>--><script>window.{MARK}=1</script>"""
    f"""<img src=x onerror="window.{MARK}=1"><svg/onload="window.{MARK}=1">"""
    f"""<a href="javascript:window.{MARK}=1">tblink</a>]]>&lt;tbentity&gt;"""
    "\u202etxet\u202c \u0430 {{7*7}} {% raw %} ${7*7} *tbem* [tblink](javascript:alert(1))"
)
FORMULA: Final = '=HYPERLINK("https://tbformula.example","x")'
"""A spreadsheet would run it."""


@dataclass
class Hostile:
    """What a submission holds."""

    polite: bool
    texts: dict[str, str] = field(default_factory=dict)
    """Field -> the text that it holds."""
    count: int = 0

    def text(self, name: str, *, formula: bool = False) -> str:
        """An attack that says which field it came through.

        Args:
            name: of the field.
            formula: whether it begins as a formula of a spreadsheet.
        """
        attack = (_SHORT if name == "organisation" else _POLITE) if self.polite else _RUDE
        begin = "=1+1+" if formula else ""
        # A name may have a hundred characters.
        made = f"{begin}tb{self.count:02}{attack}"
        self.count += 1
        assert not self.polite or len(made) <= 100
        self.texts[name] = made
        return made


def write_hostile(root: Path) -> dict[str, Hostile]:
    """Write a polite and a rude submission of each kind; gives back what is in which place."""
    made = {}
    for polite in (True, False):
        for kind in (_published, _own):
            hostile = Hostile(polite)
            draft = kind(hostile)
            draft.write(root)
            made[draft.place] = hostile
    return made


def _published(hostile: Hostile) -> Draft:
    """Taken over from elsewhere: of a task that nobody here knows, if the check is not to see it."""
    draft = complete_submission.published()
    draft.evidence.clear()
    result = draft.result | {"windows": [], "evidence": []}
    draft.results = {"kws.json": result}
    _fill(hostile, draft)
    source = result["source"]
    source["organisation"] = draft.system["organisation"]
    source["system"] = hostile.text("source.system", formula=True)
    source["path"] = hostile.text("source.path")
    source["licence"] = hostile.text("source.licence")
    source["attribution"] = hostile.text("source.attribution")
    source["repository"] = "https://tb.example/'onmouseover=alert(1)//(javascript:alert(1))"
    source["original"] = {
        hostile.text("source.original key"): hostile.text("source.original value", formula=True)
    }
    if not hostile.polite:
        result["model"] |= {"sha256": None}
        draft.results = {"kws.json": result, "other.json": _of_unknown_task(hostile, result)}
    draft.place = f"mlperf-v1.2/{_folder(hostile)}/hostile"
    return draft


def _of_unknown_task(hostile: Hostile, result: dict[str, Any]) -> dict[str, Any]:
    return result | {"task": {"id": hostile.text("task.id"), "version": None}}


def _own(hostile: Hostile) -> Draft:
    """Submitted here, with layers, and with windows and evidence where the check does not look."""
    draft = complete_submission.measured()
    draft.evidence.clear()
    result = draft.result | {"evidence": [], "runner": hostile.text("runner")}
    if hostile.polite:
        result["windows"] = []
    else:
        for window in result["windows"]:
            window["input"] = hostile.text("window.input")
    draft.results = {"kws.json": result}
    _fill(hostile, draft)
    result["layers"] = [
        {
            "index": 0,
            "operator": hostile.text("layer.operator"),
            "name": hostile.text("layer.name"),
            "cycles": 10,
            "instructions": 8,
            "macs": 2,
            "share": 1.0,
        }
    ]
    result["tool"]["commit"] = hostile.text("tool.commit")
    result["environment"] = {
        "python": hostile.text("environment.python"),
        "os": hostile.text("environment.os"),
        "machine": hostile.text("environment.machine"),
        "packages": {hostile.text("package"): hostile.text("package version")},
    }
    draft.evidence = {"kws.json": {"picture.png": png(), "a-b_c.d.txt": _RUDE.encode()}}
    draft.place = f"2026.1/{_folder(hostile)}/hostile"
    return draft


def _folder(hostile: Hostile) -> str:
    return slug(hostile.texts["organisation"]) if hostile.polite else "rude"


def _fill(hostile: Hostile, draft: Draft) -> None:
    """What both have."""
    result, system = draft.result, draft.system
    if not hostile.polite:
        # The reference model keeps its name where a check looks.
        system["division"] = "open"
    system |= {
        "organisation": hostile.text("organisation", formula=True),
        "title": hostile.text("title", formula=True),
        "contact": hostile.text("contact"),
        "licence": hostile.text("licence"),
        "notes": hostile.text("system.notes"),
    }
    result["tool"]["version"] = hostile.text("tool.version")
    result["model"]["name"] = hostile.text("model.name")
    for key in ("board", "chip", "core"):
        system[key] = result["device"][key] = hostile.text(f"device.{key}", formula=key == "board")
    # An id of a profile would have to agree with it.
    system.pop("device", None)
    result["device"]["id"] = hostile.text("device.id")
    accelerator = {"name": hostile.text("accelerator"), "clock_hz": 1_000_000}
    system["accelerator"] = result["device"]["accelerator"] = accelerator
    engine = {
        key: hostile.text(f"engine.{key}", formula=key == "name")
        for key in ("name", "version", "kernels", "kernels_version", "compiler")
    } | {"flags": [hostile.text("engine.flags")]}
    system["engine"] = result["engine"] = engine
    result["instrument"] = {
        key: hostile.text(f"instrument.{key}", formula=key == "title")
        for key in ("kind", "title", "serial", "firmware", "calibration", "range", "edges")
    } | {
        "rate_hz": 1000.0,
        "native_rate_hz": 1000.0,
        "voltage_v": 1.8,
        "voltage": "stated",
        "power_cycles": False,
        "synthetic": False,
        "gate": "edges",
    }
    if result["source"] or not hostile.polite:  # else it is that of the task
        result["data"]["dataset"] = hostile.text("data.dataset")
    for metric in result["metrics"]:
        metric["note"] = hostile.text(f"note of {metric['name']}")
    result["unavailable"] = [{"name": "memory.flash", "reason": hostile.text("unavailable.reason")}]
    result["notes"] = [hostile.text("result.notes"), f"{FORMULA} in a note"]
