"""The Joulescope's own driver, with a JS110 or a JS220 behind it that is made of C, in place of USB.

``tests/fake_joulescope.c`` answers the requests and sends the packets of the two, as far as their driver's
source tells what they are. What is not covered: libusb, the kernel, and the devices themselves.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import MeterError, UsageError
from tinybench.meters import joulescope
from tinybench.meters.averaging import Averager
from tinybench.meters.base import Recording
from tinybench.meters.joulescope import Joulescope, _Aligner, _choose, _problem

TESTS = Path(__file__).parents[1]
IDLE, ACTIVE, VOLT = 11_000, 15_000, 3300
"""Codes of the converters: 10 mA, 14 mA, 3.3 V."""
FIRST, LAST = 400_000, 1_000_001
"""Samples at which the pin falls; it stays low for 8, which are 4 us."""
WINDOW = f"""
until {FIRST} {IDLE} {VOLT} 1
until {FIRST + 8} {ACTIVE} {VOLT} 0
until {LAST} {ACTIVE} {VOLT} 1
until {LAST + 8} {IDLE} {VOLT} 0
until 99999999999 {IDLE} {VOLT} 1
rate 1000000
"""
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fake") / "fake_joulescope.so"
    compile_it = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        "-shared",
        "-fPIC",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
    ]
    subprocess.run([*compile_it, "-o", str(made), str(TESTS / "fake_joulescope.c")], check=True)
    return made


@pytest.fixture
def run(library: Path, tmp_path: Path) -> Run:
    """Runs the driver in a process of its own against a Joulescope that does what the lines say."""

    def run(lines: str, **asked: Any) -> dict[str, Any]:
        script, log = tmp_path / "joulescope.txt", tmp_path / "log.txt"
        script.write_text(lines)
        request = {"address": None, "supply_v": None, "rate_hz": 1000.0, "recordings": 1, "edges": 2}
        request |= {"answer_s": 5.0, "find": False} | asked
        done = subprocess.run(
            [sys.executable, str(TESTS / "joulescope_child.py")],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=60,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(sys.path),
                "LD_PRELOAD": str(library),
                "FAKE_JOULESCOPE": str(script),
                "FAKE_JOULESCOPE_LOG": str(log),
            },
        )
        assert (done.returncode, done.stderr) == (0, "")
        got: dict[str, Any] = json.loads(done.stdout)
        assert got["handlers"] == 0
        return got | {"log": log.read_text().splitlines()}

    return run


@pytest.mark.parametrize(("model", "bit_a"), [("js110", 1e-6), ("js220", 0)])
def test_windows_become_their_energy(run: Run, model: str, bit_a: float) -> None:
    """The JS110 sends its input in place of the lowest bit of the current: 1 uA here while it is high."""
    got = run(f"{WINDOW}\n{model}\n", recordings=2, find=True)
    name = f"{model.upper()}-000001"
    assert got["found"] == [{"address": name, "title": f"Joulescope {name}", "problem": None}]
    assert len(got["recordings"]) == 2
    for recording in got["recordings"]:
        # Between two edges lie exactly as many samples as were sent; where they begin depends on the start.
        first, last = recording["edges"]
        assert last - first == pytest.approx((LAST - FIRST) / 2e6, abs=1e-9)
        assert FIRST / 2e6 - 0.1 < first <= FIRST / 2e6
        power = np.array(recording["power_w"])
        begin, end = round(first * 1000), round(last * 1000)
        assert power[: begin - 1] == pytest.approx((10e-3 + bit_a) * 3.3, rel=1e-6)
        assert power[begin + 1 : end - 1] == pytest.approx((14e-3 + bit_a) * 3.3, rel=1e-6)
        joules = power[: end + 50].sum() / 1000
        idle_s = first + (end + 50) / 1000 - last
        assert joules == pytest.approx(
            3.3 * ((14e-3 + bit_a) * (last - first) + (10e-3 + bit_a) * idle_s), rel=1e-6
        )


def test_what_it_was_set_to(run: Run) -> None:
    got = run(WINDOW, supply_v=3.3, rate_hz=10_000.0, recordings=0)
    instrument = got["instrument"]
    assert instrument["voltage_v"] == pytest.approx(3.3, abs=1e-6)
    expected = {
        "title": "Joulescope JS110",
        "serial": "000001",
        "voltage": "measured",
        "power_cycles": True,
        "edges": "GPI 0",
        "rate_hz": 10_000.0,
        "native_rate_hz": 2e6,
    }
    assert {key: instrument[key] for key in expected} == expected
    log = got["log"]
    # The current path was open, and is closed before anything is measured; it stays closed.
    assert log[:3] == ["open 0 0", "settings 0 0", "settings 128 0"]
    assert not [line for line in log[2:] if line.startswith("settings 0")]
    assert "extio 2 3300" in log
    assert log[-1] == "close 0 0"


@pytest.mark.parametrize(("mode", "power_cycles"), [(0, True), (1, False)])
def test_what_a_js220_was_set_to(run: Run, mode: int, power_cycles: bool) -> None:
    got = run(f"{WINDOW}\njs220\nselect {mode}\n", supply_v=3.3, recordings=0)
    instrument = got["instrument"]
    assert instrument["voltage_v"] == pytest.approx(3.3, abs=1e-6)
    expected = {
        "title": "Joulescope JS220",
        "firmware": "1.3.2",
        "power_cycles": power_cycles,
        "native_rate_hz": 1e6,
        "edges": "GPI 0",
    }
    assert {key: instrument[key] for key in expected} == expected
    closing = ["s/i/range/mode 1 0"] if power_cycles else []
    assert got["log"] == ["open 0 0", *closing, "c/gpio/vref 0 0", "close 0 0"]


def test_a_current_path_that_is_closed_is_left_alone(run: Run) -> None:
    got = run(WINDOW + "select 128", recordings=0)
    assert not got["instrument"]["power_cycles"]
    assert {line.split()[1] for line in got["log"] if line.startswith("settings")} == {"128"}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("missing 600000 600001", "the Joulescope lost samples"),
        ("skip 600000 3", "the Joulescope lost samples"),
        ("skip 600000 600", "the Joulescope lost samples: pkt_index skip: expected 4761, received 5361"),
        ("stall 600000", "the power analyser sent nothing for 2 s"),
        ("unplug 600000", "the Joulescope is gone: was it unplugged?"),
        ("js220 skip 600000 1", "the Joulescope lost"),
        ("js220 unplug 600000", "the Joulescope is gone: was it unplugged?"),
    ],
)
def test_samples_that_are_lost(run: Run, fault: str, message: str) -> None:
    error = run(f"{WINDOW}\n{fault}")["error"]
    assert error["kind"] == "MeterError"
    assert error["message"].startswith(message)


@pytest.mark.parametrize(
    ("lines", "asked", "kind", "message"),
    [
        ("deny", {}, "MeterError", "the Joulescope was asked to open and cannot: no permission"),
        ("copies 0", {}, "MeterError", "no Joulescope is plugged in"),
        ("copies 2", {}, "UsageError", "2 Joulescopes are plugged in"),
        ("", {"address": "JS110-000009"}, "UsageError", "no Joulescope 'JS110-000009' is plugged in"),
        ("", {"supply_v": 5.0}, "UsageError", "the Joulescope measures 3.30 V where 5 V was stated"),
        ("", {"rate_hz": 3000.0}, "UsageError", "Joulescope JS110-000001 samples at 2e+06 Hz, which cannot"),
        ("until 0", {}, "MeterError", "the Joulescope measures 0.01 V: the board has no supply"),
        ("stall 0", {"answer_s": 1.0}, "MeterError", "Joulescope JS110-000001 sends no samples"),
    ],
)
def test_what_cannot_be_opened(run: Run, lines: str, asked: dict[str, Any], kind: str, message: str) -> None:
    script = f"until 99999999999 {IDLE} 10 1\n" if lines == "until 0" else f"{WINDOW}\n{lines}\n"
    error = run(script, **asked)["error"]
    assert error["kind"] == kind
    assert error["message"].startswith(message)
    assert error["hint"]


def test_one_of_several(run: Run) -> None:
    got = run(f"{WINDOW}\ncopies 2\n", address="JS110-000002", recordings=0, find=True)
    assert got["instrument"]["serial"] == "000002"
    assert [found["address"] for found in got["found"]] == ["JS110-000001", "JS110-000002"]


def message(first: int, data: Any, step: int, rate: int = 2_000_000) -> dict[str, Any]:
    return {"sample_id": first, "data": data, "decimate_factor": step, "sample_rate": rate}


@given(st.data())
def test_power_and_pin_meet_by_number_in_whatever_pieces_they_come(data: st.DataObject) -> None:
    """As the JS220 sends them: power at 1 MHz, the pin at 2 MHz."""
    begin = data.draw(st.integers(0, 2**40)) * 2
    early, late = data.draw(st.integers(0, 50)) * 8, data.draw(st.integers(0, 50)) * 2
    falls = sorted(data.draw(st.sets(st.integers(60, 240).map(lambda n: n * 8), max_size=4)))
    bits = np.ones(2400, np.uint8)
    for fall in falls:
        bits[fall : fall + 4] = 0
    power = np.arange(1000.0) + 1
    pieces = [("pin", at, bits[at : at + 240]) for at in range(0, 2400, 240)]
    pieces += [("power", at, power[at : at + 100]) for at in range(0, 1000, 100)]
    order = data.draw(st.permutations(["pin"] * 10 + ["power"] * 10))
    recording = Recording(100_000.0)
    aligner = _Aligner(recording, Averager(10))
    for kind in order:
        piece = next(one for one in pieces if one[0] == kind)
        pieces.remove(piece)
        if kind == "pin":
            aligner.pin(message(begin + early + piece[1], np.packbits(piece[2], bitorder="little"), 1))
        else:
            aligner.power(message(begin + late + 2 * piece[1], piece[2], 2))
    skipped = max(0, (early - late + 1) // 2)
    kept = (
        power[skipped:]
        if early + 2400 >= late + 2000
        else power[skipped : (early + 2400 - late) // 200 * 100]
    )
    means = kept[: len(kept) // 10 * 10].reshape(-1, 10).mean(axis=1)
    trace = recording.trace()
    assert np.array_equal(trace.power_w, means)
    origin, end = late + 2 * skipped, late + 2 * (skipped + len(kept))
    expected = [(early + fall - origin) / 2e6 for fall in falls if origin <= early + fall < end]
    assert list(recording.edges) == pytest.approx(expected, abs=1e-12)


def test_a_gap_in_the_numbers() -> None:
    for signal in ("power", "pin"):
        recording = Recording(1000.0)
        aligner = _Aligner(recording, Averager(1))
        aligner.pin(message(0, np.full(1, 255, np.uint8), 1))
        aligner.power(message(0, np.ones(8), 1))
        if signal == "pin":
            aligner.pin(message(16, np.full(1, 255, np.uint8), 1))
        else:
            aligner.power(message(16, np.ones(8), 1))
        with pytest.raises(MeterError, match="the Joulescope lost 8 samples"):
            recording.trace()


def test_trouble_before_the_first_sample_is_none() -> None:
    recording = Recording(1000.0)
    aligner = _Aligner(recording, Averager(1))
    aligner.fail("pkt_index skip")
    aligner.pin(message(0, np.full(1, 255, np.uint8), 1))
    aligner.power(message(0, np.ones(8), 1))
    assert len(recording.trace().power_w) == 8
    aligner.fail("pkt_index skip")
    with pytest.raises(MeterError, match="pkt_index skip"):
        recording.trace()


def test_samples_that_never_become_numbers() -> None:
    recording = Recording(1000.0)
    aligner = _Aligner(recording, Averager(1))
    for at in range(0, 300_000, 80_000):
        aligner.pin(message(at, np.full(10_000, 255, np.uint8), 1))
        aligner.power(message(at, np.full(80_000, np.nan), 1))
    with pytest.raises(MeterError, match="sends no samples that are numbers"):
        recording.wait_for_edges(1, beyond_s=0, timeout_s=1)


def test_those_that_cannot_be_used() -> None:
    assert _problem("u/js220/001234") is None
    assert "bootloader" in str(_problem("u/&js220/001234"))
    assert "JS110 and JS220" in str(_problem("u/js320/8W2A"))
    with pytest.raises(MeterError, match="Joulescope JS320-8W2A cannot be used"):
        _choose(["u/js320/8W2A"], None)
    assert _choose(["u/js110/1", "u/js220/2"], "js220-2") == "u/js220/2"


def test_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joulescope, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs the package pyjoulescope-driver"):
        Joulescope().check()
