from __future__ import annotations

import copy
import dataclasses
import json
import math
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fakes import ANALYSER, load_document
from tinybench.meters import base as meters
from tinybench.results.schema import (
    DEVICE_METRICS,
    METRIC_NAMES,
    MLPERF_SETS,
    UNITS,
    Instrument,
    Metric,
    Result,
    content_id,
)

DOCUMENT = load_document()


def changed(document: dict[str, Any], **fields: Any) -> dict[str, Any]:
    copied = copy.deepcopy(document) | fields
    return copied | {"id": content_id(copied)}


def test_every_metric_has_one_unit() -> None:
    assert set(UNITS) == set(METRIC_NAMES)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0])
def test_no_metric_is_nan_infinite_or_negative(value: float) -> None:
    with pytest.raises(ValidationError):
        Metric.of("latency.per_inference", value, "simulated")


@pytest.mark.parametrize("value", ["1.0", True, None])
def test_a_value_is_a_number(value: Any) -> None:
    with pytest.raises(ValidationError):
        Metric.of("latency.per_inference", value, "simulated")


def test_numpy_numbers_are_taken() -> None:
    import numpy as np

    assert Metric.of("memory.arena", np.int64(12), "simulated").value == 12
    assert Metric.of("accuracy.top1", np.float64(0.5), "simulated").value == 0.5


@pytest.mark.parametrize(("unit", "good"), [("s", True), ("ms", False), ("J", False)])
def test_unit_is_fixed_by_the_name(unit: Any, good: bool) -> None:
    if good:
        Metric(name="latency.per_inference", value=1.0, unit=unit, mode="measured")
    else:
        with pytest.raises(ValidationError):
            Metric(name="latency.per_inference", value=1.0, unit=unit, mode="measured")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "latency", "value": 1.0, "unit": "s", "mode": "measured"},
        {"name": "throughput", "value": 1.0, "unit": "1/s", "mode": "guessed"},
        {"name": "throughput", "value": 1.0, "unit": "1/s", "mode": "measured", "extra": 1},
        {"name": "accuracy.top1", "value": 90.0, "unit": "fraction", "mode": "measured"},
        {"name": "memory.arena", "value": 1.5, "unit": "bytes", "mode": "simulated"},
        {"name": "latency.per_inference", "value": 5e-324, "unit": "s", "mode": "measured"},
        {"name": "memory.ram", "value": 9.3e18, "unit": "bytes", "mode": "measured"},
        {"name": "accuracy.top1", "value": 0.9, "unit": "fraction", "mode": "measured", "ci95": [0.95, 0.85]},
    ],
)
def test_wrong_metrics_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Metric.model_validate(fields)


@given(st.integers(min_value=0, max_value=2**53))
def test_a_count_has_one_spelling(count: int) -> None:
    as_int = Metric.of("cycles.per_inference", count, "simulated")
    as_float = Metric.of("cycles.per_inference", float(count), "simulated")
    assert as_int.model_dump_json() == as_float.model_dump_json()
    assert f'"value":{count},' in as_int.model_dump_json()


def test_a_whole_second_is_still_a_float() -> None:
    assert '"value":1.0,' in Metric.of("latency.per_inference", 1, "simulated").model_dump_json()


def test_bytes_of_a_result_survive_a_round_trip(document: dict[str, Any]) -> None:
    result = Result.model_validate(document)
    assert Result.model_validate(json.loads(result.to_json())).to_json() == result.to_json()
    assert result.to_json().endswith(b"\n}\n")


@given(
    created=st.datetimes(min_value=datetime(1970, 1, 1)).map(lambda d: f"{d:%Y-%m-%dT%H:%M:%SZ}"),
    python=st.text(min_size=1),
    packages=st.dictionaries(st.text(), st.text()),
    commit=st.none() | st.text(),
)
def test_content_id_ignores_when_and_where(
    created: str, python: str, packages: dict[str, str], commit: str | None
) -> None:
    document = DOCUMENT
    other = copy.deepcopy(document)
    other["created"] = created
    other["environment"] |= {"python": python, "packages": packages}
    other["tool"]["commit"] = commit
    assert content_id(other) == document["id"]


@given(st.data())
def test_content_id_ignores_the_order_of_keys(data: st.DataObject) -> None:
    order = data.draw(st.permutations(list(DOCUMENT)))
    assert content_id({key: DOCUMENT[key] for key in order}) == DOCUMENT["id"]


@given(value=st.floats(min_value=0, max_value=10, allow_nan=False))
def test_content_id_sees_every_figure(value: float) -> None:
    other = copy.deepcopy(DOCUMENT)
    metric = next(m for m in other["metrics"] if m["name"] == "latency.per_inference")
    same = metric["value"] == value
    metric["value"] = value
    assert (content_id(other) == DOCUMENT["id"]) == same


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("runner",), "board"),
        (("device", "clock_hz"), 1),
        (("engine", "flags"), []),
        (("model", "sha256"), "b" * 64),
        (("task", "version"), "2.0.0"),
        (("tool", "version"), "9.9.9"),
        (("data", "samples"), 1),
        (("notes",), []),
        (("evidence",), []),
    ],
)
def test_content_id_sees_what_was_measured(path: tuple[str, ...], value: Any) -> None:
    other = copy.deepcopy(DOCUMENT)
    place = other
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert content_id(other) != DOCUMENT["id"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"publishable": True}, "contradict"),
        ({"publishable": True, "not_publishable_because": []}, "official split"),
        ({"not_publishable_because": []}, "contradict"),
        ({"target_met": False}, "target_met"),
        ({"target_met": True}, "target_met"),
        ({"surprise": 1}, "extra"),
        ({"created": "2026-11-21T04:00:00"}, "timezone"),
        ({"unavailable": [{"name": "memory.arena", "reason": "both"}]}, "more than once"),
    ],
)
def test_contradictions_are_refused(document: dict[str, Any], fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Result.model_validate(changed(document, **fields))


def test_a_limited_official_result_is_never_publishable(document: dict[str, Any]) -> None:
    data = document["data"] | {"split": "official", "limit": 5}
    document["target_met"] = None
    with pytest.raises(ValidationError, match="whole official split"):
        Result.model_validate(changed(document, data=data, publishable=True, not_publishable_because=[]))
    data["limit"] = None
    document["target_met"] = True
    assert Result.model_validate(
        changed(document, data=data, publishable=True, not_publishable_because=[])
    ).publishable


@pytest.mark.parametrize(("accuracy", "met"), [(0.9, True), (0.89, False)])
def test_the_target_is_decided_on_the_whole_official_split(
    document: dict[str, Any], accuracy: float, met: bool
) -> None:
    document["metrics"][0]["value"] = accuracy
    document["data"]["split"] = "official"
    assert Result.model_validate(changed(document, target_met=met)).target_met is met
    for wrong in (None, not met):
        with pytest.raises(ValidationError, match="target_met"):
            Result.model_validate(changed(document, target_met=wrong))


@pytest.mark.parametrize("split", MLPERF_SETS)
def test_what_hardware_computed_on_a_set_of_mlperf_decides(document: dict[str, Any], split: str) -> None:
    document["metrics"][0] |= {"value": 0.95, "mode": "measured"}
    document["data"] |= {"split": split, "limit": None}
    result = Result.model_validate(
        changed(document, target_met=True, publishable=True, not_publishable_because=[])
    )
    assert result.target_met
    document["metrics"][0]["mode"] = "simulated"
    assert Result.model_validate(changed(document, target_met=None)).target_met is None
    for wrong in ({"target_met": True}, {"publishable": True, "not_publishable_because": []}):
        with pytest.raises(ValidationError, match=r"target_met|whole official split"):
            Result.model_validate(changed(document, **wrong))


def test_evidence_names_cannot_leave_the_folder(document: dict[str, Any]) -> None:
    for name in ("../x", "a/b", ".hidden", "", "a\\b"):
        evidence = [document["evidence"][0] | {"name": name}]
        with pytest.raises(ValidationError):
            Result.model_validate(changed(document, evidence=evidence))


def test_metric_lookup(document: dict[str, Any]) -> None:
    result = Result.model_validate(document)
    arena = result.metric("memory.arena")
    assert arena is not None
    assert arena.unit == "bytes"
    assert result.metric("power.active") is None


INSTRUMENT: dict[str, Any] = ANALYSER | {"gate": "edges"}


def test_a_result_without_instrument_has_no_word_of_it(document: dict[str, Any]) -> None:
    result = Result.model_validate(document)
    assert result.instrument is None
    assert b"instrument" not in result.to_json().replace(b"instructions", b"")


def test_the_instrument_is_what_the_meter_says_and_how_windows_were_bounded(document: dict[str, Any]) -> None:
    said = meters.Instrument(**{key: INSTRUMENT[key] for key in INSTRUMENT if key != "gate"})
    assert Instrument(**dataclasses.asdict(said), gate="edges").model_dump() == INSTRUMENT
    read = Result.model_validate(changed(document, instrument=INSTRUMENT))
    assert read.instrument is not None
    assert json.loads(read.to_json())["instrument"] == INSTRUMENT
    assert read.id != document["id"] == content_id(document)


@pytest.mark.parametrize("name", ["energy.per_inference", "energy.above_baseline", "power.active"])
def test_a_synthetic_instrument_measures_nothing(document: dict[str, Any], name: Any) -> None:
    kept = [metric for metric in document["metrics"] if metric["unit"] not in ("J", "W")]
    metrics = [*kept, Metric.of(name, 1e-3, "measured").model_dump(mode="json")]
    missing = [one for one in document["unavailable"] if one["name"] != name]
    real = changed(document, metrics=metrics, unavailable=missing, instrument=INSTRUMENT)
    assert Result.model_validate(real).metric(name) is not None
    with pytest.raises(ValidationError, match="the instrument is synthetic"):
        Result.model_validate(changed(real, instrument=INSTRUMENT | {"synthetic": True}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"gate": "pin"},
        {"rate_hz": 0.0},
        {"voltage_v": -1.8},
        {"title": ""},
        {"surprise": 1},
    ],
)
def test_wrong_instruments_are_refused(document: dict[str, Any], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="instrument"):
        Result.model_validate(changed(document, instrument=INSTRUMENT | wrong))


def test_energy_above_the_baseline_stands_beside_the_whole_and_is_missed_by_nobody() -> None:
    assert UNITS["energy.above_baseline"] == "J"
    assert "energy.above_baseline" not in DEVICE_METRICS
    assert "energy.per_inference" in DEVICE_METRICS
