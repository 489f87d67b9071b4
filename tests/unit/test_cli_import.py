from __future__ import annotations

import json
from pathlib import Path

import pytest

import published_trees as trees
from published_fixtures import write_table
from tinybench.cli import main


def test_a_table_becomes_submissions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_table(
        tmp_path / "t.csv", {}, {"task": "ic", "accuracy_top1": "0.84", "source_path": "c/ic"}
    )
    arguments = ["import", "mlperf-table", str(table), "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines() == [
        "TB913 warning: v1.2 c/ic: accuracy_top1 0.84, the target is 0.85",
        "2 results in 1 submission: 1 new",
        "findings: 1 warning",
    ]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "results": 2,
        "submissions": {"mlperf-v1.2/example/nucleo_l4r5zi": "unchanged"},
        "findings": [
            {
                "code": "TB913",
                "rule": "published-below-target",
                "severity": "warning",
                "where": "v1.2 c/ic",
                "message": "accuracy_top1 0.84, the target is 0.85",
            }
        ],
    }


def test_replacing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--output", str(tmp_path / "out")]
    assert main(["import", "mlperf-table", str(write_table(tmp_path / "a.csv", {})), *out]) == 0
    changed = str(write_table(tmp_path / "b.csv", {"auc": "0.98"}))
    assert main(["import", "mlperf-table", changed, *out]) == 2
    assert "--replace" in capsys.readouterr().err
    assert main(["import", "mlperf-table", changed, *out, "--replace"]) == 0
    assert "1 replaced" in capsys.readouterr().out


def test_a_table_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "mlperf-table", str(tmp_path / "no.csv"), "--output", str(tmp_path / "out")]) == 2
    assert "no.csv" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_runs_become_submissions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {**trees.eembc(), trees.SYSTEM_PATH: trees.system(Division="Open")}
    root = trees.repository(tmp_path, files)
    arguments = ["import", "mlperf-tiny", str(root), "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for said in ("23.15 1/s", "throughput", "yes", "TB923 note: "):
        assert said in out
    assert out.splitlines()[-2:] == ["1 result in 1 submission: 1 new", "findings: 1 note"]
    assert (tmp_path / "out/mlperf-v1.2/example/nucleo_l4r5zi/results/kws.json").is_file()

    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["submissions"] == {"mlperf-v1.2/example/nucleo_l4r5zi": "unchanged"}
    assert [found["code"] for found in document["findings"]] == ["TB923"]
    (row,) = document["rows"]
    assert row["result"] == "mlperf-v1.2/example/nucleo_l4r5zi/results/kws.json"
    assert row["evidence_checked"] is True
    figures = {figure["name"]: figure for figure in row["figures"]}
    assert figures["accuracy.top1"] == {
        "name": "accuracy.top1",
        "value": 0.92,
        "recomputed": 0.92,
        "printed": 0.92,
        "agrees": True,
    }


def test_a_figure_that_does_not_agree_stands_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = f"{trees.CASE}/energy/results.txt"
    files = trees.eembc()
    files[path] = files[path].replace(b"Median energy cost is 18", b"Median energy cost is 17")
    root = trees.repository(tmp_path, files)
    assert main(["import", "mlperf-tiny", str(root), "--output", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "NO" in next(line for line in out.splitlines() if "energy.per_inference" in line)


def test_what_the_path_does_not_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = trees.write(tmp_path / "case", trees.eembc("."))
    out = ["--output", str(tmp_path / "out"), "--json"]
    assert main(["import", "mlperf-tiny", str(root), *out]) == 2
    assert "give --round, --division, --organisation, --system" in capsys.readouterr().err
    stated = ["--round", "v1.2", "--division", "open", "--organisation", "Me", "--system", "Board"]
    assert main(["import", "mlperf-tiny", str(root), *out, *stated, "--task", "kws", "--hashes-only"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["submissions"]) == ["mlperf-v1.2/me/board"]
    assert not list((tmp_path / "out").rglob("evidence"))


def test_a_system_file_that_is_not_there_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = trees.repository(tmp_path, trees.eembc())
    out = tmp_path / "out"
    arguments = ["import", "mlperf-tiny", str(root), "--output", str(out), "--system-file", "nowhere.json"]
    assert main(arguments) == 2
    assert "nowhere.json: no such file" in capsys.readouterr().err
    assert not out.exists()
