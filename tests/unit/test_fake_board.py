"""The fake board says what firmware of MLPerf Tiny says, and each fault on its line does strike."""

from __future__ import annotations

import os
import select
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from fake_board import FakeBoard, Firmware, Line, network
from fault_proxy import KINDS, Kind, faulty
from tinybench import specs
from tinybench.boards.messages import Buffer, DeviceError, Expecting, Lap, LoadDone, Ready, Results, parse
from tinybench.datasets import golden


def ask(firmware: Firmware, *commands: str) -> list[str]:
    """What the firmware says to commands."""
    said = b"".join(b"".join(firmware.receive(f"{command}%".encode())) for command in commands)
    return said.decode("latin-1").splitlines()


def load(data: bytes, chunk: int = 31) -> list[str]:
    return [f"db load {len(data)}"] + [
        f"db {data[start : start + chunk].hex()}" for start in range(0, len(data), chunk)
    ]


@pytest.fixture
def firmware() -> Firmware:
    return Firmware(network("kws"))


def test_it_boots_and_says_who_it_is(firmware: Firmware) -> None:
    assert b"".join(firmware.boot()) == b"m-timestamp-mode-performance\r\nm-init-done\r\nm-ready\r\n"
    assert ask(firmware, "name") == ["m-name-dut-[Fake Boards]", "m-ready"]
    assert ask(firmware, "profile") == [
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
        "m-model-[kws01]",
        "m-ready",
    ]


def test_a_window_has_the_order_and_the_time_of_the_reference_firmware(firmware: Firmware) -> None:
    said = ask(firmware, "infer 300 1")
    begin, end = (message.us for message in map(parse, said) if isinstance(message, Lap))
    assert (end - begin) % 2**32 == pytest.approx(300 * firmware.inference_us, abs=firmware.jitter_us)
    assert [line.split("[")[0].rsplit("-", 1)[0] for line in said] == [
        "m-warmup-start",
        "m-warmup",
        "m-infer-start",
        "m-lap-us",
        "m-lap-us",
        "m-infer",
        "m-results",
        "m",
    ]


def test_its_outputs_are_those_of_the_golden_vectors(firmware: Firmware) -> None:
    vectors = golden.read(specs.task("kws"))
    output = firmware.network.model.output
    for data, expected in zip(vectors.inputs()[:4], vectors.outputs()[:4], strict=True):
        assert isinstance(parse(ask(firmware, *load(data.tobytes()))[-2]), LoadDone)
        (results,) = (each for each in map(parse, ask(firmware, "infer 1 0")) if isinstance(each, Results))
        found = np.round(np.array(results.values) / output.scale) + output.zero_point
        np.testing.assert_array_equal(found, expected)


def test_anomaly_detection_takes_floats_and_says_one_error() -> None:
    """A board with the real model: the mean squared error between the features and what comes out."""
    firmware = Firmware(network("ad"))
    model = firmware.network.model
    rows = golden.read(specs.task("ad"))
    features = model.input.scale * (rows.inputs()[0].astype(np.float32).ravel() - model.input.zero_point)
    output = model.output.scale * (rows.outputs()[0].astype(float) - model.output.zero_point)
    assert ask(firmware, *load(features.astype("<f4").tobytes()))[-2] == "m-load-done"
    (said,) = (each for each in map(parse, ask(firmware, "infer 1 0")) if isinstance(each, Results))
    assert said.values == pytest.approx([np.mean((features - output) ** 2)], abs=5e-4)


def test_what_it_refuses(firmware: Firmware) -> None:
    assert [type(parse(line)) for line in ask(firmware, "db load 4")] == [Expecting, Ready]
    refused = ("foo", "db", "db load", "db load 0", "db 0g", "db 0", "infer 0 1", "infer x", "infer 5 -1", "")
    for command in refused:
        first, last = map(parse, ask(firmware, command))
        assert isinstance(first, DeviceError), command
        assert last == Ready()
    assert ask(firmware, "db load 491")[0] == "Supplied buffer size 491 exceeds maximum of 490"


def test_its_buffer_comes_back(firmware: Firmware) -> None:
    data = bytes(range(200)) * 2 + bytes(90)
    ask(firmware, *load(data))
    printed = [message for message in map(parse, ask(firmware, "db print")) if isinstance(message, Buffer)]
    assert b"".join(message.data for message in printed) == data


def test_in_energy_mode_timestamps_are_edges_and_not_lines() -> None:
    firmware = Firmware(network("kws"), mode="energy")
    edges: list[int] = []
    firmware.on_edge = edges.append
    assert not any("lap" in line for line in ask(firmware, "timestamp", "infer 300 0"))
    assert len(edges) == len(firmware.world.edges_s) == 3
    assert firmware.world.edges_s[2] - firmware.world.edges_s[1] == pytest.approx(12, abs=1e-4)


def test_a_reset_forgets_what_it_held(firmware: Firmware) -> None:
    ask(firmware, *load(b"\x55" * 490))
    assert b"m-init-done" in b"".join(firmware.boot())
    assert ask(firmware, "db print") == ["m-ready"]
    assert firmware.boots == 1


@contextmanager
def opened(port: str) -> Iterator[int]:
    """The host's end of a port, raw, at the right speed."""
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(fd, termios.TCSANOW)  # else what the board said so far is thrown away
        settings = termios.tcgetattr(fd)
        settings[4] = settings[5] = termios.B115200
        termios.tcsetattr(fd, termios.TCSANOW, settings)
        yield fd
    finally:
        os.close(fd)


def exchange(fd: int, command: str = "", timeout_s: float = 5.0) -> bytes:
    """What comes until the board is ready, after a command if there is one; less if it is not in time."""
    os.write(fd, f"{command}%".encode() if command else b"")
    said = b""
    while b"m-ready\r\n" not in said and select.select([fd], [], [], timeout_s)[0]:
        piece = os.read(fd, 4096)
        if not piece:
            raise OSError("end of file")
        said += piece
    return said


def test_it_is_a_serial_port(tmp_path: Path, firmware: Firmware) -> None:
    with FakeBoard(firmware, tmp_path) as board, opened(board.port) as fd:
        assert b"m-init-done" in exchange(fd)
        assert b"m-model-[kws01]" in exchange(fd, "profile")
        data = bytes(490)
        assert all(b"m-ready" in exchange(fd, command) for command in load(data))
        assert b"m-results-[" in exchange(fd, "infer 250 10")
    assert firmware.windows == [250]
    assert not Path(board.port).is_symlink()


def test_its_pin_is_a_port_of_its_own(tmp_path: Path) -> None:
    firmware = Firmware(network("kws"), mode="energy")
    with (
        FakeBoard(firmware, tmp_path) as board,
        opened(board.port) as fd,
        opened(board.pin_port) as pin,
    ):
        exchange(fd)
        exchange(fd, "infer 300 0")
        begin, end = map(int, os.read(pin, 4096).split())
    assert (end - begin) % 2**32 == pytest.approx(12e6, abs=10)


def session(firmware: Firmware, line: Line) -> Iterator[bytes]:
    """What a host gets that does what a runner does, and does not mind faults."""
    data = bytes(range(245)) * 2
    commands = ["name", "profile", "timestamp"]
    commands += [command for _ in range(32) for command in (*load(data), "infer 300 10")]
    line.heard(115200)
    for said in firmware.boot():
        yield from line.to_host(said)
    for command in commands:
        for said in firmware.receive(line.to_board(f"{command}%".encode())):
            line.wait_s()
            yield from line.to_host(said)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_fault_strikes_and_its_seed_decides_how(kind: Kind) -> None:
    def said(seed: int) -> tuple[int, bytes]:
        firmware, fault = faulty(kind, seed, lambda **odd: Firmware(network("kws"), **odd))
        got = bytearray()
        try:
            for piece in session(firmware, fault):
                got += piece
                if len(got) > 200_000:
                    break
        except Exception as event:
            got += type(event).__name__.encode()
        return fault.struck, bytes(got)

    struck, first = said(1)
    assert struck > 0
    assert said(1) == (struck, first)
    clean = b"".join(session(Firmware(network("kws")), Line()))
    assert first != clean or kind.name in ("lines in pieces", "slow", "late", "digit flipped to the board")
