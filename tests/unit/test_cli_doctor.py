from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from fakes import World, clear_specs
from tinybench import specs
from tinybench.cli import _npu, doctor, main
from tinybench.cli.doctor import Finding
from tinybench.mcusim import toolchain
from tinybench.mcusim.compilers import ZIG
from tinybench.npu import vela
from tinybench.results import record


def only(monkeypatch: pytest.MonkeyPatch, *checks: Callable[[], Iterator[Finding]]) -> None:
    monkeypatch.setattr(doctor, "CHECKS", checks)


def test_this_machine_can_measure() -> None:
    for check in (doctor.python, doctor.packages, doctor.emulator, doctor.interpreter, doctor.cache):
        assert [f for f in check() if f.status == "fail"] == []


def test_another_platform_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.platform, "machine", lambda: "riscv64")
    assert [f.status for f in doctor.python()] == ["warn"]


def test_the_compiler_works() -> None:
    (finding,) = doctor.compiler()
    assert finding.status == "ok", finding.detail


def test_warnings_do_not_fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    only(monkeypatch, lambda: iter([Finding("a", "ok", "good"), Finding("b", "warn", "so so", "do this")]))
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == "ok    a: good\nwarn  b: so so\n      fix: do this\n"


def test_a_failure_is_exit_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    only(monkeypatch, lambda: iter([Finding("a", "fail", "bad", "do this")]))
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {"check": "a", "status": "fail", "detail": "bad", "fix": "do this"}
    ]


def test_a_check_that_breaks_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Iterator[Finding]:
        raise RuntimeError("oops")

    only(monkeypatch, broken)
    assert main(["doctor"]) == 1
    assert "fail  broken: RuntimeError: oops" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wanted", "installed", "status"),
    [
        ("ziglang==0.17.0", "0.17.0", "ok"),
        ("ziglang==0.17.0", "0.16.0", "fail"),
        ("ziglang==0.17.0", None, "fail"),
        ("numpy>=2.0", "2.4.6", "ok"),
        ("numpy>=2.0", "1.26.4", "fail"),
        ('pytest>=8.2; extra == "dev"', None, "ok"),
    ],
)
def test_packages_against_pins(
    monkeypatch: pytest.MonkeyPatch, wanted: str, installed: str | None, status: str
) -> None:
    monkeypatch.setattr(doctor, "requires", lambda name: [wanted])
    monkeypatch.setattr(record, "installed_version", lambda name: installed)
    finding = next(iter(doctor.packages()))
    assert finding.status == status
    if status == "fail":
        assert finding.fix == f"pip install '{wanted}'"


def test_not_installed_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "requires", missing)
    assert [f.status for f in doctor.packages()] == ["warn"]


def test_a_compiler_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        return subprocess.CompletedProcess(args, 1, "", "warning\nerror: no such target\n")

    monkeypatch.setattr(toolchain.subprocess, "run", fails)
    (finding,) = doctor.compiler()
    assert finding.status == "fail"
    assert "error: no such target" in finding.detail


def test_the_compiler_is_tried_with_the_flags_of_the_firmware(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def spy(command: list[str], **kwargs: Any) -> Any:
        seen.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(toolchain.subprocess, "run", spy)
    (finding,) = doctor.compiler()
    assert finding.status == "ok"
    assert set(ZIG.flags("cortex-m4")) <= set(seen[0])


def test_unwritable_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "file" / "cache"))
    (finding,) = doctor.cache()
    assert finding.status == "fail"
    assert "TINYBENCH_CACHE" in finding.fix


def test_the_cache_is_not_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "new" / "cache"))
    assert [f.status for f in doctor.examine() if f.check == "cache"] == ["ok"]
    assert list(tmp_path.iterdir()) == []


def test_damaged_firmware_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path))
    assert list(doctor.cached_firmware()) == []
    good = tmp_path / "firmware" / "key" / "firmware.elf"
    good.parent.mkdir(parents=True)
    good.write_bytes(b"elf")
    good.with_name("firmware.elf.sha256").write_text(hashlib.sha256(b"elf").hexdigest())
    assert [(f.status, f.detail) for f in doctor.cached_firmware()] == [
        ("ok", "1 files, as they were compiled")
    ]
    good.write_bytes(b"ELF")
    (finding,) = doctor.cached_firmware()
    assert (finding.status, finding.detail) == ("warn", f"1 of 1 files are damaged, such as {good}")


def test_a_changed_reference_model_is_a_failure(world: World) -> None:
    (world.root / "reference_models/demo/demo.tflite").write_bytes(b"changed")
    finding = next(iter(doctor.content()))
    assert (finding.check, finding.status) == ("content", "fail")
    assert "SHA-256" in finding.detail


def test_a_full_disk_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MINIMUM_FREE_BYTES", 1 << 80)
    assert [f.status for f in doctor.cache()] == ["ok", "warn"]


def test_content_and_runners(world: World) -> None:
    found = [*doctor.content(), *doctor.plugins()]
    assert [(f.check, f.status) for f in found] == [("content", "ok"), ("runners", "ok")]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "tasks/demo/task.toml",
            'default_device = "demo-board"',
            'default_device = "none"',
            "default_device: 'none'",
        ),
        (
            "tasks/demo/task.toml",
            'reference_model = "demo"',
            'reference_model = "none"',
            "reference_model: 'none'",
        ),
        ("reference_models/demo/model.toml", 'task = "demo"', 'task = "none"', "task: 'none'"),
        ("reference_models/demo/model.toml", "demo.tflite", "none.tflite", r"none\.tflite is missing"),
        ("runners/devices/demo-board.toml", "vendor", "vendour", "vendo"),
    ],
)
def test_content_that_refers_to_nothing(world: World, file: str, old: str, new: str, says: str) -> None:
    path = world.root / file
    path.write_text(path.read_text().replace(old, new))
    clear_specs()
    finding = next(iter(doctor.content()))
    assert finding.status == "fail"
    assert re.search(says, finding.detail)


def test_no_content_at_all(world: World) -> None:
    for path in (world.root / "runners/devices").iterdir():
        path.unlink()
    for name in ("tasks", "reference_models"):
        (world.root / name).rename(world.root / f"no-{name}")
    clear_specs()
    assert next(iter(doctor.content())).status == "fail"


@pytest.mark.parametrize(("present", "status"), [(True, "ok"), (False, "warn")])
def test_data_sets(world: World, present: bool, status: str) -> None:
    world.official_present = present
    (finding,) = doctor.data()
    assert finding.status == status
    assert finding.fix == ("" if present else "tinybench data fetch demo")


def test_models_that_were_not_fetched_yet_are_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content of the checkout itself, with an empty cache."""
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path))
    assert next(iter(doctor.content())).status == "ok"
    fetched = specs.model("mlperf-kws").path
    fetched.parent.mkdir(parents=True)
    fetched.write_bytes(b"something else")
    finding = next(iter(doctor.content()))
    assert finding.status == "fail"
    assert finding.fix == "remove it, then tinybench models fetch mlperf-kws"


def test_the_compiler_of_npus_is_named_or_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ethosu")
    (found,) = _npu.compiler()
    assert (found.check, found.status) == ("npu", "ok")
    assert found.detail.startswith("ethos-u-vela 5.")
    monkeypatch.setattr(vela, "find_spec", lambda name: None)
    (found,) = _npu.compiler()
    assert (found.status, found.fix) == ("warn", "pip install 'tinybench-suite[npu]'")


def test_the_core_beside_an_npu_has_to_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    device = specs.device("ethos-u55-128")
    host = device.npu.host.model_copy(update={"value": "no-such-board"})
    changed = device.model_copy(update={"npu": device.npu.model_copy(update={"host": host})})
    devices = {**specs.devices(), device.id: changed}
    monkeypatch.setattr(specs, "devices", lambda: devices)
    (found,) = (finding for finding in doctor.content() if finding.check == "content")
    assert found.status == "fail"
    assert "device ethos-u55-128: npu.host: 'no-such-board' does not exist" in found.detail
