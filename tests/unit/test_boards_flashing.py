"""Writing firmware through pyOCD: what it is told, what it says, and what is refused before it is asked."""

from __future__ import annotations

import json
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_board import FakeBoard, Firmware, network
from tinybench import specs
from tinybench.boards import flashing
from tinybench.boards.desk import Desk
from tinybench.boards.flashing import Probe, check, choose, flash
from tinybench.errors import BoardError, CapacityError, TinybenchError, UsageError
from tinybench.runners.base import Bench
from tinybench.specs import DeviceSpec

STLINK = ("066BFF575251717867013127", "NUCLEO-L4R5ZI")
JLINK = ("000683459999", "Segger J-Link")
FLASH, FLASH_BYTES = 0x0800_0000, 2 << 20
EM_ARM, EM_RISCV = 40, 243


@pytest.fixture
def board() -> DeviceSpec:
    return specs.device("nucleo-l4r5zi")


@pytest.fixture
def pyocd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Sets what the fake pyOCD does, or reads what it was told."""
    state = tmp_path / "pyocd.json"
    program = Path(__file__).parents[1] / "fake_pyocd.py"
    monkeypatch.setenv("FAKE_PYOCD", str(state))
    monkeypatch.setattr(flashing, "PYOCD", (sys.executable, str(program)))

    def control(**changes: Any) -> dict[str, Any]:
        if changes:
            state.write_text(json.dumps({"probes": [STLINK]} | changes))
        found: dict[str, Any] = json.loads(state.read_text())
        return found

    control(code=0)
    return control


def elf(address: int = FLASH, size: int = 64, machine: int = EM_ARM) -> bytes:
    """An executable with one loadable segment."""
    header = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
    header += struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, address, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    return header + struct.pack("<IIIIIIII", 1, 84, address, address, size, size, 5, 4) + bytes(size)


def hexadecimal(*parts: tuple[int, bytes]) -> bytes:
    """Intel's format, 16 bytes a line."""

    def line(offset: int, kind: int, data: bytes) -> str:
        record = bytes([len(data), *offset.to_bytes(2, "big"), kind, *data])
        return f":{(record + bytes([-sum(record) % 256])).hex().upper()}\n"

    text = ""
    for address, data in parts:
        text += line(0, 4, (address >> 16).to_bytes(2, "big"))
        for start in range(0, len(data), 16):
            text += line((address + start) & 0xFFFF, 0, data[start : start + 16])
    return (text + ":00000001FF\n").encode()


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_pyocd_is_told_what_goes_where(
    tmp_path: Path, board: DeviceSpec, pyocd: Callable[..., dict[str, Any]]
) -> None:
    path = written(tmp_path, "firmware.elf", elf())
    said = flash(path, board)
    assert f"flashed firmware.elf, {path.stat().st_size} bytes, sha256 " in said
    assert "to nucleo-l4r5zi (stm32l4r5zitx) by probe 066BFF575251717867013127 (NUCLEO-L4R5ZI)" in said
    listing, load = (call["arguments"] for call in pyocd()["calls"])
    assert listing[:2] == ["json", "--probes"]
    assert load[0] == "load"
    for option, value in (
        ("--uid", STLINK[0]),
        ("--target", "stm32l4r5zitx"),
        ("--format", "elf"),
        ("-O", "auto_unlock=false"),
    ):
        assert load[load.index(option) + 1] == value
    assert load[-1] == str(path.resolve())
    assert "--no-wait" in load
    assert "--base-address" not in load


def test_a_board_is_flashed_before_it_is_asked_and_the_log_says_so(
    tmp_path: Path, board: DeviceSpec, pyocd: Callable[..., dict[str, Any]]
) -> None:
    path = written(tmp_path, "firmware.elf", elf())
    log: list[tuple[str, str]] = []
    with FakeBoard(Firmware(network("kws")), tmp_path) as there:
        bench = Bench(port=there.port, flash=path, probe="066bff")
        with Desk.opened(bench, board, lambda source, text: log.append((source, text))) as desk:
            assert desk.identity.model == "kws01"
    assert log[0][1].startswith("flashed firmware.elf, ")
    assert len(pyocd()["calls"]) == 2


def test_nothing_is_flashed_that_nobody_asked_for(
    tmp_path: Path, board: DeviceSpec, pyocd: Callable[..., dict[str, Any]]
) -> None:
    with (
        FakeBoard(Firmware(network("kws")), tmp_path) as there,
        Desk.opened(Bench(port=there.port), board, lambda source, text: None),
    ):
        assert "calls" not in pyocd()


def test_a_binary_goes_to_the_start_of_the_flash(
    tmp_path: Path, board: DeviceSpec, pyocd: Callable[..., dict[str, Any]]
) -> None:
    flash(written(tmp_path, "firmware.BIN", bytes(1000)), board)
    load = pyocd()["calls"][-1]["arguments"]
    assert load[load.index("--base-address") + 1] == "0x8000000"
    assert load[load.index("--format") + 1] == "bin"


def test_progress_is_that_of_pyocd(
    tmp_path: Path, board: DeviceSpec, pyocd: Callable[..., dict[str, Any]]
) -> None:
    pyocd(bar=True)
    seen: list[tuple[str, int, int]] = []
    flash(
        written(tmp_path, "f.hex", hexadecimal((FLASH, bytes(100)))),
        board,
        progress=lambda step, done, total: seen.append((step, done, total)),
    )
    assert {(step, total) for step, _, total in seen} == {("flashing", 100)}
    done = [done for _, done, _ in seen]
    assert done == sorted(done)
    assert (done[0], done[-1], len(set(done))) == (0, 100, 41)


@pytest.mark.parametrize(
    ("line", "says", "hint"),
    [
        (
            "0000694 C Target type stm32l4r5zitx not recognized. Use 'pyocd list --targets' [__main__]",
            "Target type stm32l4r5zitx not recognized",
            "pyocd pack install stm32l4r5zitx",
        ),
        ("0001234 W nRF52840 APPROTECT enabled: not unlocking [target_nRF52]", "APPROTECT", "erases all"),
        ("0000812 C No ACK received [__main__]", "No ACK received", "cable or jumpers"),
        ("0002000 C flash program page failure (result code 0x1) [__main__]", "failure", "half-written"),
        ("something without a level", "something without a level", "half-written"),
    ],
)  # fmt: skip
def test_what_pyocd_says_becomes_one_line(
    tmp_path: Path,
    board: DeviceSpec,
    pyocd: Callable[..., dict[str, Any]],
    line: str,
    says: str,
    hint: str,
) -> None:
    after = "0009999 I Loading /a/b/c [load_cmd]"
    pyocd(code=1, says=[line, after] if line.startswith("0") else [line])
    with pytest.raises(BoardError) as caught:
        flash(written(tmp_path, "firmware.elf", elf()), board)
    assert caught.value.message.startswith("nucleo-l4r5zi was not flashed: ")
    assert says in caught.value.message
    assert "\n" not in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_failure_without_a_word_tells_the_exit_code(
    tmp_path: Path, board: DeviceSpec, pyocd: Callable[..., dict[str, Any]]
) -> None:
    pyocd(code=139)
    with pytest.raises(BoardError, match="ended with exit code 139 and said nothing"):
        flash(written(tmp_path, "firmware.elf", elf()), board)


def test_a_pyocd_that_hangs_is_ended(
    tmp_path: Path,
    board: DeviceSpec,
    pyocd: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pyocd(hang=60)
    monkeypatch.setattr(flashing, "LOAD_S", 0.5)
    began = time.monotonic()
    with pytest.raises(BoardError, match="not done within"):
        flash(written(tmp_path, "firmware.elf", elf()), board)
    assert time.monotonic() - began < 30


def test_whoever_interrupts_ends_pyocd_too(
    tmp_path: Path, board: DeviceSpec, pyocd: Callable[..., dict[str, Any]]
) -> None:
    pyocd(bar=True, hang=60)

    def interrupt(step: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    began, before = time.monotonic(), set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        flash(written(tmp_path, "firmware.elf", elf()), board, progress=interrupt)
    assert time.monotonic() - began < 30
    for thread in set(threading.enumerate()) - before:
        thread.join(10)  # a timer that is cancelled ends in its own time, one that is not only after LOAD_S
        assert not thread.is_alive()


def test_pyocd_runs_where_nobody_left_a_script(
    tmp_path: Path,
    board: DeviceSpec,
    pyocd: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It executes the pyocd_user.py of its project, and reads the pyocd.yaml there."""
    (tmp_path / "pyocd_user.py").write_text("raise SystemExit('executed')")
    monkeypatch.chdir(tmp_path)
    flash(written(tmp_path, "firmware.elf", elf()), board)
    for call in pyocd()["calls"]:
        project = Path(call["arguments"][call["arguments"].index("--project") + 1])
        assert "--no-config" in call["arguments"]
        assert project not in (tmp_path, Path.cwd())
        assert not project.exists()  # it was an empty folder of our own


@pytest.mark.parametrize("arguments", [["json", "--probes"], ["load"]])
def test_the_real_pyocd_has_these_options(
    tmp_path: Path, board: DeviceSpec, pyocd: Callable[..., dict[str, Any]], arguments: list[str]
) -> None:
    entry = pytest.importorskip("pyocd.__main__")
    options = pytest.importorskip("pyocd.core.options")
    flash(written(tmp_path, "firmware.bin", bytes(64)), board)
    (said,) = (call["arguments"] for call in pyocd()["calls"] if call["arguments"][0] == arguments[0])
    parsed = entry.PyOCDTool()._parser.parse_args(said)
    if arguments == ["load"]:
        assert parsed.target_override == "stm32l4r5zitx"
        assert (parsed.unique_id, parsed.no_wait, parsed.no_config) == (STLINK[0], True, True)
        assert (parsed.format, parsed.base_address) == ("bin", FLASH)
        assert parsed.options == ["auto_unlock=false"]
        assert "auto_unlock" in options.OPTIONS_INFO
    else:
        assert parsed.probes


def test_the_real_pyocd_lists_its_probes() -> None:
    pytest.importorskip("pyocd")
    assert isinstance(flashing.probes(), tuple)


def test_targets_of_profiles_are_built_into_pyocd_or_said_to_need_a_pack() -> None:
    builtin = pytest.importorskip("pyocd.target.builtin").BUILTIN_TARGETS
    boards = [device.board for device in specs.devices().values() if device.board]
    targets = [board for board in boards if board.pyocd_target]
    assert len(targets) >= 11
    for board in targets:
        assert (board.pyocd_target in builtin) != ("pack" in board.source), board


def test_targets_of_profiles_are_those_of_pyocds_own_list_of_boards() -> None:
    """The list is by the code that a probe says; names are those that the vendor gives."""
    known = pytest.importorskip("pyocd.board.board_ids").BOARD_ID_TO_INFO
    by_name = {info.name.upper(): info.target for info in known.values()}
    compared = 0
    for device in specs.devices().values():
        if device.id.upper() in by_name:
            assert device.board is not None
            assert device.board.pyocd_target == by_name[device.id.upper()]
            compared += 1
    assert compared >= 6


def test_one_probe_is_taken_and_several_have_to_be_named() -> None:
    one, other = Probe(*STLINK), Probe(*JLINK)
    assert choose([one], None) == one
    assert choose([one, other], "066bff") == one
    assert choose([one, other], JLINK[0]) == other
    assert choose([Probe("12", "a"), Probe("123", "b")], "12") == Probe("12", "a")
    with pytest.raises(UsageError, match="2 debug probes are plugged in") as several:
        choose([one, other], None)
    assert STLINK[0] in (several.value.hint or "")
    with pytest.raises(BoardError, match="no debug probe has the id FFFF"):
        choose([one, other], "FFFF")
    with pytest.raises(BoardError, match="no debug probe is plugged in"):
        choose([], None)


@pytest.mark.parametrize(
    "listing", ["no JSON", '{"status": 1, "error": "no backend", "boards": []}', '{"boards": [{}]}', "[]"]
)
def test_a_pyocd_that_cannot_list_is_told(pyocd: Callable[..., dict[str, Any]], listing: str) -> None:
    pyocd(listing=listing)
    with pytest.raises(BoardError, match="pyOCD cannot list its probes"):
        flashing.probes()


def test_nothing_is_written_without_a_probe(
    tmp_path: Path, board: DeviceSpec, pyocd: Callable[..., dict[str, Any]]
) -> None:
    pyocd(probes=[])
    with pytest.raises(BoardError, match="no debug probe is plugged in"):
        flash(written(tmp_path, "firmware.elf", elf()), board)
    assert [call["arguments"][0] for call in pyocd()["calls"]] == ["json"]


REFUSED: list[tuple[str, bytes, type[TinybenchError], str]] = [
    ("firmware.uf2", b"UF2\n", UsageError, "is no firmware"),
    ("firmware.elf", b"\x7fELF and no more", UsageError, "is no ELF file"),
    ("firmware.elf", b"", UsageError, "is no ELF file"),
    ("firmware.bin", b"", UsageError, "holds nothing to write"),
    ("firmware.elf", elf(size=0), UsageError, "holds nothing to write"),
    ("firmware.elf", elf(machine=EM_RISCV), UsageError, "is for EM_RISCV"),
    ("firmware.elf", elf(0x1000_0000), UsageError, "puts nothing into the flash"),
    ("firmware.elf", elf(FLASH + FLASH_BYTES - 60), CapacityError, "4 more than nucleo-l4r5zi has"),
    ("firmware.bin", bytes(FLASH_BYTES + 1), CapacityError, "1 more than"),
    ("firmware.hex", hexadecimal((0x2000_0000, b"ab")), UsageError, "puts nothing into the flash"),
    ("firmware.hex", hexadecimal((FLASH + FLASH_BYTES - 8, bytes(16))), CapacityError, "8 more than"),
    ("firmware.hex", b":0400000001020304F3\n", UsageError, r"firmware\.hex:1: is no line of Intel hex"),
    ("firmware.hex", b"no hex", UsageError, "Intel hex"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "kind", "says"), REFUSED)
def test_what_is_no_firmware_for_this_board_is_refused(
    tmp_path: Path,
    board: DeviceSpec,
    pyocd: Callable[..., dict[str, Any]],
    name: str,
    data: bytes,
    kind: type[TinybenchError],
    says: str,
) -> None:
    with pytest.raises(kind, match=says):
        flash(written(tmp_path, name, data), board)
    assert "calls" not in pyocd()


PARTS = st.lists(
    st.tuples(st.integers(0, 0xFFFF_0000), st.binary(min_size=1, max_size=80)), min_size=1, max_size=4
)


@given(PARTS)
def test_intel_hex_is_read_as_it_was_written(parts: list[tuple[int, bytes]]) -> None:
    parts = [(address & 0xFFFF_0000, data) for address, data in parts]
    expected: list[tuple[int, int]] = []
    for address, data in parts:
        if expected and sum(expected[-1]) == address:
            expected[-1] = (expected[-1][0], expected[-1][1] + len(data))
        else:
            expected.append((address, len(data)))
    assert flashing._hex_parts(Path("f.hex"), hexadecimal(*parts)) == expected


SOUND = {".elf": elf(), ".hex": hexadecimal((FLASH, bytes(range(100)))), ".bin": bytes(40)}


@given(st.sampled_from(sorted(SOUND)), st.lists(st.tuples(st.integers(0, 160), st.binary(max_size=6))))
def test_whatever_a_file_holds_it_is_refused_or_written(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(SOUND[suffix])
    for position, piece in changes:
        data[position : position + len(piece)] = piece
    path = tmp_path_factory.getbasetemp() / f"changed{suffix}"
    path.write_bytes(bytes(data))
    with suppress(UsageError, CapacityError):
        assert check(path, specs.device("nucleo-l4r5zi")) == "stm32l4r5zitx"


def test_what_lies_beside_the_flash_is_none_of_our_business(tmp_path: Path, board: DeviceSpec) -> None:
    """Option bytes and flash on another bus."""
    path = written(
        tmp_path, "f.hex", hexadecimal((FLASH, bytes(20)), (0x1FF0_0000, b"opt"), (0x9000_0000, b"x"))
    )
    assert check(path, board) == "stm32l4r5zitx"


def test_a_board_that_is_not_flashed_by_pyocd_says_so(tmp_path: Path, board: DeviceSpec) -> None:
    path = written(tmp_path, "firmware.elf", elf())
    with pytest.raises(UsageError, match="nothing says what pyOCD calls the chip"):
        check(path, board.model_copy(update={"board": None}))
    with pytest.raises(UsageError, match="is emulated"):
        check(path, specs.device("qemu-mps2-an386"))
    with pytest.raises(UsageError, match="No such file"):
        check(tmp_path / "none.elf", board)


def test_without_pyocd_it_is_said_how_to_get_it(
    tmp_path: Path, board: DeviceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flashing, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="not installed") as caught:
        check(written(tmp_path, "firmware.elf", elf()), board)
    assert caught.value.hint == "pip install 'tinybench-suite[boards]'"
