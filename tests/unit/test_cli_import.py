from __future__ import annotations

import json
from pathlib import Path

import pytest

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
        "2 results in 1 submissions: 1 new",
        "findings: 1 warnings",
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
