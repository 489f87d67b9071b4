"""``CITATION.cff`` is what GitHub and reference managers read, and says what the program says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

import tinybench
from fakes import REPOSITORY
from tinybench.leaderboard.build import URL

FILE = REPOSITORY / "CITATION.cff"


def check(path: Path) -> int:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.citation-file-format",
        path,
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_it_follows_the_citation_file_format(tmp_path: Path) -> None:
    assert check(FILE) == 0
    broken = tmp_path / "CITATION.cff"
    broken.write_text(FILE.read_text().replace("authors:", "writers:"))
    assert check(broken) == 1


def test_it_names_this_version_and_where_the_site_is() -> None:
    told = yaml.safe_load(FILE.read_text())
    assert (told["version"], told["url"]) == (tinybench.__version__, URL)
