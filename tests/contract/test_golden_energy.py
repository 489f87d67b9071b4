"""The energies that EEMBC's and MLCommons' runners printed, from what the analysers recorded."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from fake_lpm01a import FakeShield
from fakes import REPOSITORY
from tinybench.meters import usb_serial
from tinybench.meters.base import Settings
from tinybench.meters.eembc import read_trace, write_trace
from tinybench.meters.lpm01a import Lpm01a
from tinybench.meters.phases import median_energy_j, split, windows
from tinybench.meters.recorded import read_recorded

LOGS = Path(os.environ.get("TINYBENCH_SHARED_DATA") or REPOSITORY.parent / "shared" / "data") / "golden_logs"
TRACES = sorted(LOGS.glob("*/energy/trace1-energy.bin"))
TOLERANCE_J = 0.001e-6

pytestmark = pytest.mark.skipif(not TRACES, reason="needs shared/data/golden_logs next to the checkout")


def printed(path: Path) -> tuple[list[float], list[int], float]:
    """Energy in joule and inferences of each window, and the median in joule."""
    text = path.read_text()
    energies = [float(value) * 1e-6 for value in re.findall(r"Energy +: +([0-9.]+) uJ$", text, re.MULTILINE)]
    counts = [int(value) for value in re.findall(r"# Inferences : +([0-9]+)", text)]
    (median,) = re.findall(r"Median energy cost is ([0-9.]+) uJ", text)
    return energies, counts, float(median) * 1e-6


def test_all_traces_are_there() -> None:
    assert len(TRACES) == 5


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.parents[1].name)
def test_every_window_of_a_trace_is_as_printed(path: Path) -> None:
    recorded = read_recorded(path)
    phases = split(recorded.trace, recorded.edges, str(path))
    energies, counts, median = printed(path.with_name("results.txt"))
    assert [window.energy_j for window in windows(phases)] == pytest.approx(energies, rel=0, abs=TOLERANCE_J)
    assert len(energies) == 5
    (inferences,) = set(counts)
    assert median_energy_j(phases, inferences) == pytest.approx(median, rel=0, abs=TOLERANCE_J)
    with (LOGS / "index.csv").open() as file:
        rows = {row["id"]: float(row["published_energy_uj"] or 0) * 1e-6 for row in csv.DictReader(file)}
    published = rows[path.parents[1].name]
    assert median_energy_j(phases, inferences) == pytest.approx(published, rel=0, abs=TOLERANCE_J)
    whole = recorded.trace.energy_j(0.0, recorded.trace.duration_s)
    assert sum(phase.energy_j for phase in phases) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.parents[1].name)
def test_a_trace_is_written_as_it_was(path: Path) -> None:
    data = path.read_bytes()
    assert write_trace(read_trace(data, str(path))) == data


def test_what_a_power_shield_said_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples and events of MLCommons' runner go over the wire once more: the energies are as printed."""
    monkeypatch.setattr(usb_serial, "READ_S", 0.01)
    (folder,) = LOGS.glob("09_*_mlcrunner/energy")
    records = json.loads((folder / "results.json").read_text())
    text = (folder / "results.txt").read_text()
    energies = [float(value) * 1e-6 for value in re.findall(r"Total Energy +: +([0-9.]+) uJ", text)]
    with FakeShield() as fake:
        session = Lpm01a().open(fake.port, Settings(supply_v=1.8))
        for record, energy_j in zip(records[:2], energies, strict=False):
            power = record["power"]
            edges = [int(at) for _, at in power["timestamps"]][-2:]
            recording = session.start()
            fake.send((np.array(power["samples"]) * 1000).tolist(), edges)
            recording.wait_for_edges(2, beyond_s=0.01, timeout_s=10)
            trace = recording.trace()
            start_s, end_s = recording.edges
            assert trace.energy_j(start_s, end_s) == pytest.approx(energy_j, rel=0, abs=TOLERANCE_J)
            assert trace.power_w[: len(power["samples"])] == pytest.approx(
                np.array(power["samples"])[: len(trace.power_w)] * 1000
            )
            session.stop()
        session.close()
