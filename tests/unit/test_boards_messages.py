"""The serial messages of a device: what is one, what is a broken one, what is debug output."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.boards.messages import (
    MAX_VALUES,
    Buffer,
    DeviceError,
    Expecting,
    Garbled,
    InferDone,
    InferStart,
    Info,
    InitDone,
    Lap,
    LoadDone,
    Message,
    Model,
    Name,
    Profile,
    Ready,
    Results,
    Text,
    TimestampMode,
    WarmupDone,
    WarmupStart,
    parse,
)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("m-timestamp-mode-performance", TimestampMode("performance")),
        ("m-timestamp-mode-energy", TimestampMode("energy")),
        ("m-init-done", InitDone()),
        ("m-ready", Ready()),
        ("m-name-dut-[Example Vendor]", Name("Example Vendor")),
        ("m-profile-[ULPMark for tinyML Firmware V0.0.1]", Profile("ULPMark for tinyML Firmware V0.0.1")),
        ("m-model-[kws01]", Model("kws01")),
        ("m-lap-us-4294967295", Lap(4294967295)),
        ("m-[Expecting 490 bytes]", Expecting(490)),
        ("m-[Timer disabled after mode change]", Info("Timer disabled after mode change")),
        ("m-load-done", LoadDone()),
        ("m-buffer-00-ff-7f", Buffer(b"\x00\xff\x7f")),
        ("m-warmup-start-0", WarmupStart(0)),
        ("m-warmup-done", WarmupDone()),
        ("m-infer-start-300", InferStart(300)),
        ("m-infer-done", InferDone()),
        ("m-results-[0.004,-1.5,2e-3]", Results((0.004, -1.5, 0.002))),
        ("e-[Unknown command: foo]", DeviceError("Unknown command: foo")),
        ("e-[Inference iterations must be >0]", DeviceError("Inference iterations must be >0")),
    ],
)
def test_each_message(line: str, message: Message) -> None:
    assert parse(line) == message
    assert parse(line + "\r\n") == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dut: m-ready", Ready()),
        ("[dut]: m-lap-us-5", Lap(5)),
        ("dut: dut: m-ready", Ready()),
        ("infer 1 0m-warmup-start-0", WarmupStart(0)),
        ("infer 0 1e-[Inference iterations must be >0]", DeviceError("Inference iterations must be >0")),
        ("\x00\ufffdm-init-done", InitDone()),
        ("m-results-[0.1,0.9,]", Results((0.1, 0.9))),
        ("m-results-[ 0.1, 0.9 ]", Results((0.1, 0.9))),
        ("m-results-[12]", Results((12.0,))),
    ],
)
def test_what_real_lines_look_like(line: str, message: Message) -> None:
    assert parse(line) == message


@pytest.mark.parametrize(
    "line",
    [
        "m-lap-us-",
        "m-lap-us-12 ms",
        "m-lap-us-1234 ",
        "m-infer-start-30\xa0",
        "m-lap-us-1234\x1f",
        "m-lap-us--5",
        "m-lap-us-525446m-infer-done",
        "m-lap-us-" + "9" * 21,
        "m-infer-start-3OO",
        "m-ready-finished[bload]",
        "m-infer-done.",
        "m-results-[0.1,0.2,got ack from dsp",
        "m-results-[0.1,,0.2]",
        "m-results-[0.1,\x1d0.2]",
        "m-results-[]",
        "m-results-[nan,1]",
        "m-results-[0.1,1e999]",
        "m-results-[" + "0," * (MAX_VALUES + 1) + "0]",
        "m-model-[kws",
        "m-buffer-0",
        "m-timestamp-mode-fast",
    ],
)
def test_a_broken_message_is_garbled_and_never_half_a_number(line: str) -> None:
    assert parse(line) == Garbled(line)


@pytest.mark.parametrize(
    "line", ["", "NDP main", "some-file-[1]", "load me-[now]", "m-unknown-7", "lap-us-5"]
)
def test_debug_output(line: str) -> None:
    assert parse(line) == Text(line)


def test_debug_output_loses_the_name_of_the_device() -> None:
    assert parse("dut: got ack from dsp") == Text("got ack from dsp")


@given(st.text())
def test_every_line_is_something(line: str) -> None:
    parse(line)


@given(st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=1, max_size=50))
def test_vectors_come_back(values: list[float]) -> None:
    assert parse("m-results-[" + ",".join(f"{value:.3f}" for value in values) + "]") == Results(tuple(values))


@pytest.mark.parametrize("part", ["m-results-[", "m-[", "dut: ", "e-[", "m-lap-us-1", "m-buffer-00-"])
def test_a_long_line_of_beginnings_takes_no_long_time(part: str) -> None:
    line = part * (2**20 // len(part))
    start = time.perf_counter()
    parse(line)
    assert time.perf_counter() - start < 5  # linear: some milliseconds; quadratic: hours
