"""The serial protocol of the firmware, command by command, without an emulator: compiled for this machine."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_harness import ELEMENTS, Board, board, configuration, harness_source
from tinybench.boards import messages
from tinybench.mcusim.compilers import ZIG

READY = "m-ready\r\n"
BYTES = bytes(range(200, 200 + ELEMENTS))


@pytest.fixture
def host() -> Board:
    made = board()
    made.ask("%")  # whatever the last test left half said
    made.set()
    return made


def load(host: Board, data: bytes) -> str:
    host.ask(f"db load {len(data)}%")
    said = [host.ask(f"db {data[at : at + 31].hex()}%") for at in range(0, len(data), 31)]
    assert all(answer == READY for answer in said[:-1])
    return said[-1]


def parsed(text: str) -> list[messages.Message]:
    assert text.endswith("\r\n")
    return [messages.parse(line) for line in text.split("\r\n")[:-1]]


def test_it_boots_as_the_reference_does() -> None:
    booted = board(scale="{8388608u, -30, -128}")  # one that nobody has asked yet
    said = parsed(booted.said())
    assert said[0] == messages.TimestampMode("performance")
    assert isinstance(said[1], messages.Lap)
    assert said[2:] == [messages.InitDone(), messages.Ready()]


def test_name_and_profile(host: Board) -> None:
    assert parsed(host.ask("name%")) == [messages.Name("tinybench host"), messages.Ready()]
    profile, model, about, ready = parsed(host.ask("profile%"))
    assert profile == messages.Profile("ULPMark for tinyML Firmware V0.0.1")
    assert model == messages.Model("kws01")
    assert isinstance(about, messages.Info)
    assert about.text.startswith("tinybench ")
    told = dict(pair.split("=", 1) for pair in about.text.removeprefix("tinybench ").split(";"))
    assert list(told) == ["version", "model", "kernels", "timestamps", "compiler", "flags"]
    assert told["timestamps"] == "uart"
    assert told["flags"] == "unknown"
    assert ready == messages.Ready()


def test_help_is_text_that_no_parser_takes_for_a_message(host: Board) -> None:
    *lines, ready = parsed(host.ask("help%"))
    assert ready == messages.Ready()
    assert len(lines) > 5
    assert all(isinstance(line, messages.Text) for line in lines)


def test_an_input_goes_in_and_its_output_comes_out(host: Board) -> None:
    assert load(host, BYTES) == "m-load-done\r\n" + READY
    said = parsed(host.ask("infer 3 2%"))
    values = tuple(((~byte & 255 ^ 128) / 256) for byte in BYTES)
    assert [type(message).__name__ for message in said] == [
        "WarmupStart", "WarmupDone", "InferStart", "Lap", "Lap", "InferDone", "Results", "Ready",
    ]  # fmt: skip
    start, _, window, first, last, _, results, _ = said
    assert (start, window) == (messages.WarmupStart(2), messages.InferStart(3))
    assert isinstance(first, messages.Lap)
    assert isinstance(last, messages.Lap)
    assert last.us - first.us == 3 * 1000 + 7
    assert isinstance(results, messages.Results)
    assert results.values == tuple(float(f"{value:.3f}") for value in values)
    assert parsed(host.ask("results%")) == [results, messages.Ready()]


def test_what_was_loaded_can_be_read_back_before_and_after_an_inference(host: Board) -> None:
    load(host, BYTES)
    for _ in range(2):
        *lines, ready = parsed(host.ask("db print%"))
        assert ready == messages.Ready()
        assert all(isinstance(line, messages.Buffer) and len(line.data) <= 8 for line in lines)
        assert b"".join(line.data for line in lines if isinstance(line, messages.Buffer)) == BYTES
        host.ask("infer 1 0%")


def test_ten_inferences_warm_up_unless_told_otherwise(host: Board) -> None:
    load(host, BYTES)
    assert parsed(host.ask("infer%"))[0] == messages.WarmupStart(10)
    assert parsed(host.ask("infer 2%"))[0] == messages.WarmupStart(10)
    assert parsed(host.ask("infer 2 0%"))[0] == messages.WarmupStart(0)


def test_the_clock_may_wrap_in_a_window(host: Board) -> None:
    load(host, BYTES)
    host.set(us=2**32 - 500)
    _, _, _, first, last, *_ = parsed(host.ask("infer 1 0%"))
    assert isinstance(first, messages.Lap)
    assert isinstance(last, messages.Lap)
    assert first.us > last.us
    assert (last.us - first.us) % 2**32 == 1007


def test_a_kernel_that_fails_gives_no_result(host: Board) -> None:
    load(host, BYTES)
    host.set(failing=1)
    *_, done, error, ready = parsed(host.ask("infer 1 0%"))
    assert (done, ready) == (messages.InferDone(), messages.Ready())
    assert error == messages.DeviceError("A kernel failed")
    assert isinstance(parsed(host.ask("results%"))[0], messages.DeviceError)


REFUSED = {
    "nope%": "Unknown command: nope",
    "nope with words%": "Unknown command: nope",
    "%": "Unknown command: ",
    "   %": "Unknown command: ",
    "NAME%": "Unknown command: NAME",
    "names%": "Unknown command: names",
    "a]b[\x01\xe9%": "Unknown command: a?b????",
    "na\0me%": "Unknown command: na?me",
    "infer 0%": "Inference iterations must be >0",
    "infer -1%": "Inference iterations must be >0",
    "infer 1x%": "Inference iterations must be >0",
    "infer 2147483648%": "Inference iterations must be >0",
    "infer 99999999999999999999%": "Inference iterations must be >0",
    "infer 1 -1%": "Inference warmup must be >=0",
    "infer 1 x%": "Inference warmup must be >=0",
    "db%": "Command 'db' requires a subcommand",
    "db load%": "Command 'db load' requires the # of bytes",
    "db load 0%": "Command 'db load' must be >0 bytes",
    "db load -5%": "Command 'db load' must be >0 bytes",
    f"db load {ELEMENTS + 1}%": f"Command 'db load' must be at most {ELEMENTS} bytes",
    "db load 2147483647%": f"Command 'db load' must be at most {ELEMENTS} bytes",
    "db 123%": "Insufficient number of hex digits",
    "db 12zz%": "Invalid hex digit 'z'",
    "db 12]]%": "Invalid hex digit '?'",
    "x" * 81 + "%": "A command has at most 80 characters",
    "x" * 5000 + "%": "A command has at most 80 characters",
}


@pytest.mark.parametrize("command", REFUSED, ids=lambda command: repr(command[:30]))
def test_what_it_refuses(host: Board, command: str) -> None:
    load(host, BYTES)
    host.ask("infer 1 0%")
    before = host.ask("results%")
    assert parsed(host.ask(command)) == [messages.DeviceError(REFUSED[command]), messages.Ready()]
    assert host.ask("results%") == before  # and nothing has happened
    assert host.ask("name%").startswith("m-name-dut-")


def test_a_command_of_eighty_characters_is_not_too_long(host: Board) -> None:
    assert f"Unknown command: {'x' * 80}]" in host.ask("x" * 80 + "%")


def test_line_breaks_are_passed_over(host: Board) -> None:
    assert host.ask("\r\nna\r\nme%\r\n") == host.ask("name%")


@pytest.mark.parametrize("loaded", [0, 1, ELEMENTS - 1])
def test_an_incomplete_input_is_not_inferred(host: Board, loaded: int) -> None:
    host.ask(f"db load {ELEMENTS}%")
    host.ask(f"db {BYTES[:loaded].hex()}%" if loaded else "%")
    refusal = messages.DeviceError(f"The input has {loaded} of {ELEMENTS} bytes")
    assert parsed(host.ask("infer 1 0%")) == [refusal, messages.Ready()]
    no_result = messages.DeviceError("There was no inference of this input")
    assert parsed(host.ask("results%")) == [no_result, messages.Ready()]


def test_a_shorter_input_is_not_inferred(host: Board) -> None:
    load(host, BYTES[:5])
    assert "The input has 5 of" in host.ask("infer 1 0%")


def test_a_wrong_digit_stores_nothing_of_its_command(host: Board) -> None:
    host.ask(f"db load {ELEMENTS}%")
    assert host.ask("db 0102%") == READY
    assert "Invalid hex digit" in host.ask("db 0304g5%")
    assert host.ask("db print%") == "m-buffer-01-02\r\n" + READY


def test_bytes_beyond_the_end_are_left_out_and_then_refused(host: Board) -> None:
    host.ask("db load 2%")
    assert host.ask("db 010203%") == "m-load-done\r\n" + READY
    assert "No bytes are expected" in host.ask("db 04%")
    assert host.ask("db print%") == "m-buffer-01-02\r\n" + READY


def test_digits_of_either_case(host: Board) -> None:
    host.ask("db load 2%")
    host.ask("db aBFf%")
    assert host.ask("db print%") == "m-buffer-ab-ff\r\n" + READY


def test_images_are_bytes_without_sign() -> None:
    images, numbers = board(input_kind="uint8"), board()
    numbers.ask("%")
    load(images, BYTES)
    load(numbers, bytes(byte ^ 128 for byte in BYTES))
    last = [parsed(host.ask("infer 1 0%"))[-2] for host in (images, numbers)]
    assert isinstance(last[0], messages.Results)
    assert last[0] == last[1]
    assert images.ask("db print%").startswith("m-buffer-c8-c9-ca-")


def test_features_are_quantised_and_compared_with_the_output() -> None:
    host = board(input_kind="float32", output="mse")
    features = [0.25 * k - 4 for k in range(ELEMENTS)]
    load(host, struct.pack(f"<{ELEMENTS}f", *features))
    *_, results, _ = parsed(host.ask("infer 1 0%"))
    # Input: scale 1/2, zero point 3; the model negates; output: scale 1/256, zero point -128.
    quantised = [int(value * 2 + (0.5 if value > 0 else -0.5)) + 3 for value in features]
    outputs = [(~q + 128) / 256 for q in quantised]
    squares = [(x - y) ** 2 for x, y in zip(features, outputs, strict=True)]
    assert results == messages.Results((round(sum(squares) / ELEMENTS, 3),))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -(2.0**24)])
def test_features_that_are_no_numbers_are_refused(wrong: float) -> None:
    host = board(input_kind="float32", output="mse")
    load(host, struct.pack(f"<{ELEMENTS}f", *[0.0] * 7, wrong, *[0.0] * (ELEMENTS - 8)))
    assert parsed(host.ask("infer 1 0%")) == [
        messages.DeviceError("Value 7 of the input is not a number below 2^24"),
        messages.Ready(),
    ]


def test_negative_results_have_a_sign() -> None:
    host = board(scale="{8388608u, -22, 5}")  # scale 2, zero point 5
    host.ask("%")
    load(host, bytes([255, 249, 127, 128] + [0] * (ELEMENTS - 4)))
    *_, results, _ = host.ask("infer 1 0%").split("\r\n")[:-1]
    assert results.startswith("m-results-[-10.000,2.000,-266.000,244.000,-12.000,")


@pytest.mark.parametrize(("timestamps", "printed", "edges"), [("uart", 2, 0), ("pin", 0, 2), ("both", 2, 2)])
def test_where_timestamps_go(timestamps: str, printed: int, edges: int) -> None:
    host = board(timestamps=timestamps)
    host.ask("%")
    load(host, BYTES)
    before = host.edges
    said = parsed(host.ask("infer 1 0%"))
    assert sum(isinstance(message, messages.Lap) for message in said) == printed
    assert host.edges - before == edges
    assert f"timestamps={timestamps};" in host.ask("profile%")


@pytest.mark.parametrize(("timestamps", "mode"), [("pin", "energy"), ("both", "performance")])
def test_the_mode_is_said_at_boot(timestamps: str, mode: str) -> None:
    host = board(timestamps=timestamps, scale="{8388608u, -29, -128}")
    assert host.said().startswith(f"m-timestamp-mode-{mode}\r\n")
    assert host.edges == 1


COMMANDS = st.sampled_from(
    [
        "name",
        "profile",
        "timestamp",
        "help",
        "results",
        "db print",
        "db load 37",
        "db load",
        "db 00",
        "infer 1 0",
    ]
)
GARBAGE = st.one_of(
    st.binary(max_size=200),
    COMMANDS.map(lambda command: command.encode() + b"%"),
    st.tuples(COMMANDS, st.binary(max_size=90)).map(lambda both: both[0].encode() + both[1]),
    st.binary(max_size=40).map(lambda data: b"db " + data.hex().encode() + b"%"),
)


@given(st.lists(GARBAGE, max_size=12).map(b"".join))
def test_whatever_comes_each_command_is_answered_once(data: bytes) -> None:
    host = board()
    host.ask("%")
    said = host.ask(data)  # nor is anything written beside the tensors
    lines = said.split("\r\n")[:-1]
    assert lines.count("m-ready") == data.count(b"%")
    assert not any(isinstance(messages.parse(line), messages.Garbled) for line in lines)
    assert said.isascii()
    host.ask("%")
    assert host.ask("name%") == "m-name-dut-[tinybench host]\r\n" + READY


FUZZ = """
import ctypes, random, sys
library, count = ctypes.CDLL(sys.argv[1]), int(sys.argv[2])
library.tinybench_start()
said = (ctypes.c_uint8 * (1 << 20))()
rng = random.Random(5)
words = b"name profile infer db load print results 1 0 148 % %".split()
for _ in range(count):
    if rng.random() < 0.5:
        data = rng.randbytes(rng.randrange(120))
    else:
        end = rng.choice([b"%", b"", b"ff" * rng.randrange(60)])
        data = b" ".join(rng.choices(words, k=rng.randrange(8))) + end
    library.host_feed(data, len(data))
    library.host_said(said)
assert library.host_guards() == 0
print("survived", count)
"""


@pytest.mark.parametrize("kind", [{}, {"input_kind": "float32", "output": "mse", "timestamps": "both"}])
def test_nothing_undefined_happens_in_fifty_thousand_random_inputs(
    kind: dict[str, str], tmp_path: Path
) -> None:
    """With clang's checks of array bounds, shifts, signed overflow and alignment, which end the process."""
    (tmp_path / "harness.c").write_text(harness_source(configuration(**kind)))
    checks = ("-fsanitize=undefined", "-fsanitize-trap=undefined")
    flags = ("-O1", "-g0", "-std=c11", "-fPIC", "-shared", "-nostdlib", "-fno-builtin")
    subprocess.run(
        [ZIG.program(), "cc", *flags, *checks, "harness.c", "-o", "harness.so"],
        cwd=tmp_path,
        env=ZIG.environment(tmp_path / "cache"),
        check=True,
        timeout=300,
    )
    done = subprocess.run(
        [sys.executable, "-c", FUZZ, str(tmp_path / "harness.so"), "25000"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout == "survived 25000\n", (done.returncode, done.stderr)
