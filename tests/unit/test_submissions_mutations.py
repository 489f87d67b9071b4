"""Submissions that were right, with one thing changed to anything: findings, and never an exception."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from complete_submission import Draft, dumps, measured, published, sign
from submission_fixtures import repack, write_file
from tinybench.submissions.judging import judge
from tinybench.submissions.layout import Place
from tinybench.submissions.trusted_keys import TrustedKeys
from tinybench.submissions.verdict import Verdict

KeyPath = tuple[str | int, ...]

ANYTHING: list[Any] = [
    None, True, [], {}, [[]], "", "x", "é" * 50, -1, 0, 1, 1.5, 5e-324, 1e30, -1e30, 2**63 - 1, {"a": []},
    "2026-99-99T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00",
]  # fmt: skip
NOISE = [
    b"", b"\0", b"\xff", b"\r", b"\n\n", b"[", b"9" * 400, b"m-lap-us-99999999999999999999", b"m-lap-us--5",
    b"m-results-[nan,inf,1e999]", b"m-results-[]", b"m-infer-start-0", b"m-infer-start-99999999999999999999",
]  # fmt: skip


@cache
def drafts() -> tuple[Draft, ...]:
    return measured(), published()


def places_in(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Where a document has a value, the first two of each list only."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places_in(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:2]):
            yield from places_in(inner, (*path, number))


def put(document: dict[str, Any], path: KeyPath, value: Any) -> dict[str, Any]:
    changed: Any = deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def judged(draft: Draft, **files: bytes) -> Verdict:
    """Write a draft and the files in place of its own, with a right manifest, and judge it."""
    with tempfile.TemporaryDirectory() as root:
        folder = draft.write(Path(root))
        for name, content in files.items():
            write_file(
                folder / ("system.toml" if name == "system" else f"results/{next(iter(draft.results))}"),
                content,
            )
        if files:
            repack(folder)
        return judge(Path(root), Place(*draft.place.split("/")), TrustedKeys())


def test_as_they_are_they_pass() -> None:
    assert [judged(draft).findings for draft in drafts()] == [(), ()]


@settings(max_examples=60)
@given(st.data())
def test_any_value_of_a_result(data: st.DataObject) -> None:
    """Its id and its evidence are right, so that it gets as far as a result that was made that way."""
    draft = data.draw(st.sampled_from(drafts())).copy()
    ((name, document),) = draft.results.items()
    path = data.draw(st.sampled_from(list(places_in(document))))
    changed = put(document, path, data.draw(st.sampled_from(ANYTHING)))
    try:
        sign(changed, draft.evidence[name])
    except (KeyError, TypeError, AttributeError):
        judged(draft, result=dumps(changed))  # no id follows from it
    else:
        draft.results = {name: changed}
        judged(draft)


@pytest.mark.parametrize("value", ANYTHING, ids=repr)
@pytest.mark.parametrize("key", ["id", "created", "schema"])
def test_any_value_at_the_head_of_a_result(key: str, value: Any) -> None:
    draft, _ = drafts()
    verdict = judged(draft, result=json.dumps({**draft.result, key: value}).encode())
    assert any(finding.severity == "error" for finding in verdict.findings)


@settings(max_examples=40)
@given(st.data())
def test_any_value_of_a_system(data: st.DataObject) -> None:
    draft = data.draw(st.sampled_from(drafts()))
    path = data.draw(st.sampled_from(list(places_in(draft.system))))
    changed = put(draft.system, path, data.draw(st.sampled_from(ANYTHING[1:])))  # TOML has no null
    judged(draft, system=tomli_w.dumps(changed).encode())


@settings(max_examples=25)
@given(st.data())
def test_any_damage_to_evidence(data: st.DataObject) -> None:
    draft = data.draw(st.sampled_from(drafts())).copy()
    files = next(iter(draft.evidence.values()))
    name = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, len(files[name])))
    cut = data.draw(st.sampled_from([0, 1, 40, 3000, 10**6]))
    files[name] = files[name][:at] + data.draw(st.sampled_from(NOISE)) + files[name][at + cut :]
    judged(draft)
