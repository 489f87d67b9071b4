"""Submissions that break no rule at all, as data that a test changes before it is written."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from evidence_fixtures import changed, measured_kws, published_kws
from submission_fixtures import repack, write_file
from tinybench import auc, specs
from tinybench.datasets.names import read_names
from tinybench.results.schema import DeviceRef, Environment, Metric, MetricName, ModelRef, Result, content_id
from tinybench.results.tables import csv_bytes
from tinybench.submissions.system import System

MEASURED = "2026.1/acme/board-one"
SIMULATED = "2026.1/acme/board-one-simulated"
PUBLISHED = "mlperf-v1.2/example-vendor/example-board"


@dataclass
class Draft:
    """A submission before it is written; every part may be changed."""

    place: str
    system: dict[str, Any]
    results: dict[str, dict[str, Any]]
    """File name -> document; its id and its list of evidence are set when it is written."""
    evidence: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """File name of the result -> name -> content."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Others, by path."""
    after: Callable[[Path], None] | None = None
    """Done to the folder when all but the manifest is written."""

    @property
    def result(self) -> dict[str, Any]:
        """The first result."""
        return next(iter(self.results.values()))

    def metric(self, name: str) -> dict[str, Any]:
        """A metric of the first result."""
        return next(metric for metric in self.result["metrics"] if metric["name"] == name)

    def set(self, name: str, value: float) -> None:
        """Change a figure of the first result."""
        self.metric(name)["value"] = value

    def add_metric(self, name: MetricName, value: float) -> None:
        """Give the first result one more measured figure."""
        metric = Metric.of(name, value, "measured").model_dump(mode="json")
        self.result["metrics"].append(metric)

    def rename(self, name: str) -> None:
        """Give the file of the first result another name."""
        (old, *_) = self.results
        self.results = {name: self.results[old]}
        self.evidence = {name: self.evidence[old]}

    def copy(self) -> Draft:
        """Another one that can be changed by itself."""
        return deepcopy(self)

    def write(self, root: Path) -> Path:
        """Write it below ``root`` with right ids, hashes and manifest; gives back its folder."""
        folder = root / self.place
        write_file(folder / "system.toml", tomli_w.dumps(self.system).encode())
        for name, document in self.results.items():
            files = self.evidence.get(name, {})
            document = sign(document, files)
            write_file(folder / "results" / name, dumps(document))
            for file, content in files.items():
                write_file(folder / "evidence" / document["id"] / file, content)
        for path, content in self.files.items():
            write_file(folder / path, content)
        if self.after is not None:
            self.after(folder)
        repack(folder)
        return folder


def sign(document: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    """The document with the list of its evidence and its id."""
    listed = {item["name"]: item for item in document["evidence"]} | {
        name: {
            "name": name,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "media_type": "text/plain",
        }
        for name, content in files.items()
    }
    signed = dict(document) | {"evidence": [listed[name] for name in sorted(listed)]}
    return signed | {"id": content_id(signed)}


def dumps(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def system(result: Result, **changes: Any) -> dict[str, Any]:
    """What system.toml says of a result; None leaves a field out."""
    assert isinstance(result.device, DeviceRef)
    known = System(
        title="Board One",
        organisation="Acme",
        division="closed",
        availability="available",
        contact="bench@acme.example",
        licence="CC-BY-4.0",
        board=result.device.board,
        device=result.device.id,
        chip=result.device.chip,
        core=result.device.core,
        clock_hz=result.device.clock_hz,
        supply_v=result.device.supply_v,
        engine=result.engine,
    )
    document = tomllib.loads(known.to_toml().decode()) | changes
    return {key: value for key, value in document.items() if value is not None}


def _draft(place: str, result: Result, files: Mapping[str, bytes], **of_system: Any) -> Draft:
    document = result.model_dump(mode="json", by_alias=True)
    name = f"{result.task.id}.json"
    return Draft(place, system(result, **of_system), {name: document}, {name: dict(files)})


def _reference() -> ModelRef:
    """A model of the closed division that has not seen the test data."""
    model = specs.model("mlperf-kws")
    return ModelRef(name=model.id, sha256=model.sha256, macs=model.macs, parameters=model.parameters)


def measured(place: str = MEASURED, **run: Any) -> Draft:
    """Measured on hardware, with all of its evidence, and submitted here; ``run`` as for ``measured_kws``."""
    result, files = measured_kws(**run)
    environment = Environment(python="CPython 3.11", os="Linux", machine="x86_64", packages={})
    organisation = place.split("/")[1].capitalize()
    measured = changed(result, model=_reference(), environment=environment)
    return _draft(place, measured, files, organisation=organisation)


def published(place: str = PUBLISHED) -> Draft:
    """Published elsewhere, taken over with its evidence."""
    result, files = published_kws()
    return _draft(
        place, changed(result, model=_reference()), files, organisation="Example Vendor", contact=None
    )


def simulated(base: Result, files: Mapping[str, bytes], place: str = SIMULATED) -> Draft:
    """Simulated; ``base`` is a run of the ad model on golden inputs, with its evidence.

    The scores of the official recordings, and the accuracy, are made up: the data is not on the machine that
    runs the tests.
    """
    document = base.model_dump(mode="json", by_alias=True)
    document["data"] = {
        "split": "official",
        "dataset": "dcase-2020-toycar",
        "dataset_sha256": "7" * 64,
        "samples": 248,
        "limit": None,
    }
    scores, value = ad_scores()
    accuracy = Metric.of("accuracy.auc", value, "simulated")
    document["metrics"] = [accuracy.model_dump(mode="json"), *document["metrics"]]
    document["unavailable"] = [m for m in document["unavailable"] if m["name"] != "accuracy.auc"]
    document |= {"target_met": True, "publishable": True, "not_publishable_because": []}
    described = system(base, title="Board One, simulated")
    kept = {name: data for name, data in files.items() if name.endswith(".csv")}
    return Draft(place, described, {"ad.json": document}, {"ad.json": {**kept, "scores.csv": scores}})


def performance_only(base: Result, files: Mapping[str, bytes], place: str = SIMULATED) -> Draft:
    """Simulated, without accuracy; ``base`` is a run on golden inputs, with its evidence."""
    kept = {name: data for name, data in files.items() if name.endswith(".csv")}
    return _draft(place, base, kept, title="Board One, simulated")


def ad_scores() -> tuple[bytes, float]:
    """``scores.csv`` of the official split of ad, and the area under its curve."""
    names = read_names(specs.task("ad").folder / "mlperf-248.txt")
    labels = ["anomaly" in name for name in names]
    # Most anomalies score higher; every ninth does not.
    scores = np.array([number % 9 + 9.5 * label * (number % 9 > 0) for number, label in enumerate(labels)])
    rows = (
        (name, name[-16:-13], int(label), repr(float(score)))
        for name, label, score in zip(names, labels, scores, strict=True)
    )
    anomalous = np.array(labels)
    value = auc.roc_auc(scores[~anomalous], scores[anomalous])
    return csv_bytes(("sample", "group", "label", "score"), rows), value
