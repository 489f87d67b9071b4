"""The conformance kit finds each fault of content by the one check that is about it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fakes import DEVICE_TOML, REPOSITORY
from tinybench.testing import check_content
from tinybench.testing.checks import outcomes
from tinybench.testing.content import CHECKS, Files


@pytest.fixture
def found(tmp_path: Path) -> SimpleNamespace:
    """Keyword spotting under another name, with a model and a device of its own."""
    for kind, file in (("tasks", "task.toml"), ("reference_models", "model.toml")):
        source, copy = REPOSITORY / kind / "kws", tmp_path / kind / "words"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("smoke", "*.md"))
        text = (copy / file).read_text()
        for key in ("id", "task", "reference_model"):
            text = text.replace(f'{key} = "kws"\n', f'{key} = "words"\n')
        (copy / file).write_text(text.replace("nucleo-l4r5zi", "acme-board"))
    golden = tmp_path / "tasks/words/golden.json"
    golden.write_text(golden.read_text().replace('"task":"kws"', '"task":"words"'))
    devices = tmp_path / "runners/devices"
    devices.mkdir(parents=True)
    (devices / "acme-board.toml").write_text(DEVICE_TOML.replace("demo-board", "acme-board"))
    return SimpleNamespace(interface=1, root=tmp_path)


def failed(found: object) -> dict[str, str]:
    return {one.check: one.said for one in outcomes(CHECKS, Files(found)) if one.verdict == "failed"}


def replace(file: str, old: str, new: str) -> Callable[[SimpleNamespace], None]:
    def change(found: SimpleNamespace) -> None:
        path = found.root / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def without_root(found: SimpleNamespace) -> None:
    del found.root


def relative(found: SimpleNamespace) -> None:
    found.root = Path("content")


def empty(found: SimpleNamespace) -> None:
    for name in ("tasks", "reference_models"):
        shutil.rmtree(found.root / name)
    (found.root / "runners/devices/acme-board.toml").unlink()


def of_tomorrow(found: SimpleNamespace) -> None:
    found.interface = 2


def copied(found: SimpleNamespace) -> None:
    shutil.copy(REPOSITORY / "runners/devices/nucleo-l4r5zi.toml", found.root / "runners/devices")


def without_golden(found: SimpleNamespace) -> None:
    (found.root / "tasks/words/golden.json").unlink()


def without_model(found: SimpleNamespace) -> None:
    (found.root / "reference_models/words/kws_dscnn_int8.tflite").unlink()


DEVICE = "runners/devices/acme-board.toml"
TASK = "tasks/words/task.toml"
MODEL = "reference_models/words/model.toml"


def test_good_content_conforms(found: SimpleNamespace) -> None:
    check_content(found)


@pytest.mark.parametrize(
    ("change", "check", "says"),
    [
        (without_root, "has-a-root", "it has no root"),
        (relative, "has-a-root", "not absolute"),
        (empty, "has-a-root", "no file to read"),
        (of_tomorrow, "states-its-interface", "it was made for interface 2"),
        (replace(DEVICE, "vendor", "vendour"), "has-valid-files", "acme-board.toml: vendo"),
        (copied, "has-ids-of-its-own", "nucleo-l4r5zi.toml"),
        (replace(TASK, '"acme-board"', '"no-board"'), "refers-to-what-there-is", "'no-board'"),
        (replace(MODEL, "macs = 2", "macs = 3"), "has-models-as-recorded", "kws_dscnn_int8.tflite has 2"),
        (without_model, "has-models-as-recorded", "kws_dscnn_int8.tflite is missing"),
        (without_golden, "has-golden-vectors", "golden.json: cannot be read"),
    ],
)  # fmt: skip
def test_a_fault_is_found_by_its_own_check(
    found: SimpleNamespace, change: Callable[[SimpleNamespace], None], check: str, says: str
) -> None:
    change(found)
    problems = failed(found)
    assert list(problems) == [check]
    assert says in problems[check]


def test_every_check_has_a_fault_that_it_finds() -> None:
    (mark,) = test_a_fault_is_found_by_its_own_check.pytestmark  # type: ignore[attr-defined]
    assert {case[1] for case in mark.args[1]} == {check.__name__.replace("_", "-") for check in CHECKS}
