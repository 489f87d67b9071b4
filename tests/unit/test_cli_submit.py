"""``tinybench submit``: what somebody types to make a submission, and what they see."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from test_submissions_drafting import measured, tree

from fakes import published_document
from tinybench.cli import main
from tinybench.results.schema import Result
from tinybench.submissions import drafting

NAMES = [
    "--round",
    "2026.1",
    "--organisation",
    "Example Ltd.",
    "--system",
    "Board X",
    "--contact",
    "x@example.org",
]
FOLDER = Path("submissions/2026.1/example-ltd/board-x")


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(tmp_path)
    return measured(Path("results"))


def init(*arguments: str) -> int:
    return main(["submit", "init", *NAMES, *arguments])


def test_a_submission_is_made_from_a_result(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(str(result.path)) == 0
    out = capsys.readouterr().out
    assert f"submission: {FOLDER}" in out
    assert "1 evidence files" in out
    system = drafting.read_system(FOLDER)
    assert (system.organisation, system.title, system.chip) == ("Example Ltd.", "Board X", "STM32L4R5ZI")
    assert (FOLDER / "manifest.json").is_file()
    assert list((FOLDER / "results").glob(f"*{result.id}.json"))


def test_a_board_without_a_profile_is_described_by_options(result: Result) -> None:
    code = init(
        *(
            "--engine",
            "X-CUBE-AI",
            "--engine-version",
            "10.2",
            "--compiler",
            "GCC 12.3.1",
            "--flags",
            "-O3 -g",
        ),
        *(
            "--board",
            "Board X",
            "--chip",
            "X1",
            "--core",
            "cortex-m55",
            "--clock",
            "400 MHz",
            "--supply",
            "1.8",
        ),
        *("--accelerator", "NPU", "--division", "open"),
    )
    assert code == 0
    system = drafting.read_system(FOLDER)
    assert (system.chip, system.clock_hz, system.supply_v) == ("X1", 400_000_000, 1.8)
    assert (system.engine.name, system.engine.flags) == ("X-CUBE-AI", ("-O3", "-g"))
    assert system.accelerator is not None
    assert (system.accelerator.name, system.division) == ("NPU", "open")


def test_what_is_missing_is_named_where_nobody_can_be_asked(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "init", "--round", "2026.1"]) == 2
    err = capsys.readouterr().err
    assert "error: --organisation is missing" in err
    assert "--system, --contact, --engine" in err
    assert not Path("submissions").exists()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--engine", "x", "--clock", "fast"], "'fast' is not a clock"),
        (["--engine", "x", "--round", "Round One"], "Round One"),
        (["--engine", "x", "--device", "nucleo-l4r5"], "did you mean 'nucleo-l4r5zi'"),
        (["no-result.json"], "No such file"),
        (["--engine", "x", "--device", "nucleo-l4r5zi", "--round", "mlperf-v1.2"], "is no round"),
        (["--engine", "x", "--board", "Board X"], "nothing says chip, core, clock_hz"),
    ],
)
def test_a_wrong_option_is_one_line_and_leaves_nothing(
    result: Result, capsys: pytest.CaptureFixture[str], arguments: list[str], match: str
) -> None:
    assert init(*arguments) == 2
    assert match in capsys.readouterr().err
    assert not Path("submissions").exists()


def test_a_result_that_may_not_be_published_leaves_nothing(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = measured(Path("wrong"), publishable=False, not_publishable_because=["limited"])
    assert init(str(wrong.path)) == 2
    assert "may not be published: limited" in capsys.readouterr().err
    assert not Path("submissions").exists()


def test_results_are_added_and_what_is_no_data_is_named(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(str(result.path)) == 0
    document = published_document()
    other = measured(Path("other"), {"firmware.elf": b"\x7fELF"}, model=document["model"] | {"name": "kws-2"})
    capsys.readouterr()
    assert main(["submit", "add", str(FOLDER), str(other.path)]) == 0
    assert "not taken in, because a submission is data only: firmware.elf" in capsys.readouterr().out
    assert len(list((FOLDER / "results").iterdir())) == 2


def test_pack_renews_the_manifest_and_makes_the_same_archive_twice(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(str(result.path)) == 0
    before = tree(FOLDER)
    path = FOLDER / "system.toml"
    path.write_text(path.read_text().replace("Board X", "Board Y"))
    capsys.readouterr()
    assert main(["submit", "pack", str(FOLDER), "--archive", "a.zip", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert main(["submit", "pack", str(FOLDER), "--archive", "b.zip"]) == 0
    assert Path("a.zip").read_bytes() == Path("b.zip").read_bytes()
    assert printed["manifest_sha256"] in capsys.readouterr().out
    assert tree(FOLDER)["manifest.json"] != before["manifest.json"]


def test_pack_refuses_what_is_no_data(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(str(result.path)) == 0
    manifest = (FOLDER / "manifest.json").read_bytes()
    (FOLDER / "run.sh").write_text("#!/bin/sh\n")
    assert main(["submit", "pack", str(FOLDER)]) == 2
    assert "run.sh" in capsys.readouterr().err
    assert (FOLDER / "manifest.json").read_bytes() == manifest


def test_an_archive_that_leads_outside_fails_with_a_code(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("2026.1/acme/one/../../../../evil", b"x")
    before = tree(Path())
    assert main(["submit", "check", "a.zip", "--no-cache"]) == 1
    out = capsys.readouterr().out
    assert "TB060" in out
    assert "does not hold: 0 submissions, 0 results: 1 error," in out
    assert main(["submit", "check", "a.zip", "--no-cache", "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert found["code"] == "TB060"
    assert "points outside" in found["message"]
    assert tree(Path()) == before


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_diff_shows_what_a_change_does(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(str(result.path)) == 0
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    capsys.readouterr()
    assert main(["submit", "diff", "--since", "HEAD"]) == 0
    assert capsys.readouterr().out == "no figure changes\n"
    for path in (FOLDER / "results").iterdir():
        path.unlink()
    metrics = [
        metric | ({"value": metric["value"] / 2} if metric["name"] == "latency.per_inference" else {})
        for metric in published_document()["metrics"]
    ]
    faster = measured(Path("faster"), metrics=metrics)
    assert main(["submit", "add", str(FOLDER), str(faster.path)]) == 0
    capsys.readouterr()
    assert main(["submit", "diff", "--since", "HEAD"]) == 0
    out = capsys.readouterr().out
    assert "-50.0%" in out
    assert "latency" in out
    assert main(["submit", "diff", "--since", "HEAD", "--json"]) == 0
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert (change["kind"], change["relative"], change["organisation"]) == ("changed", -0.5, "example-ltd")


def test_diff_of_two_folders(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(str(result.path)) == 0
    Path("empty").mkdir()
    capsys.readouterr()
    assert main(["submit", "diff", "empty", "submissions"]) == 0
    assert "added" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["a"], ["a", "b", "--since", "HEAD"], ["--since", "nowhere"]])
def test_diff_says_what_it_needs(
    result: Result, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    Path("submissions").mkdir()
    assert main(["submit", "diff", *arguments]) == 2
    assert "hint: " in capsys.readouterr().err


@pytest.mark.parametrize("revision", ["nowhere", "origin/main"])
def test_a_revision_that_git_does_not_know_is_said_in_its_words(
    result: Result, capsys: pytest.CaptureFixture[str], revision: str
) -> None:
    Path("submissions").mkdir()
    git("init", "-q")
    assert main(["submit", "check", "--changed-since", revision]) == 2
    err = capsys.readouterr().err
    assert "error: git rev-parse failed in submissions: fatal:" in err
    assert "Command" not in err


def test_a_folder_at_another_depth_is_no_submission(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(str(result.path)) == 0
    for folder in (FOLDER / "results", FOLDER.parent, FOLDER.parents[1]):
        capsys.readouterr()
        assert main(["submit", "check", str(folder)]) == 2
        assert "is no submission" in capsys.readouterr().err


def test_what_lies_beside_a_submission_is_nothing_that_its_check_tells(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(str(result.path)) == 0
    Path("submissions/notes.txt").write_text("of mine\n")
    main(["submit", "check", str(FOLDER), "--no-rerun"])
    assert "TB015" not in capsys.readouterr().out
    main(["submit", "check", "--all", "--no-rerun"])
    assert "TB015" in capsys.readouterr().out


def test_add_says_that_there_is_no_submission_yet(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "add", str(FOLDER), str(result.path)]) == 2
    err = capsys.readouterr().err
    assert "is no submission" in err
    assert "tinybench submit init" in err


def test_the_advice_of_an_empty_submission_is_to_add_to_it(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init("--engine", "x", "--device", "nucleo-l4r5zi") == 0
    assert f"'tinybench submit add {FOLDER}'" in capsys.readouterr().out
