"""What ten thousand results take: to build the site, and to look at the leaderboard in a browser.

Times are of the machine, and reported; bytes are not, and decide.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from browsing import FLAGS, Visitor, serving_site
from fakes import REPOSITORY
from synthetic_board import RESULTS, write_board

BUILD_S = 120.0
BUILD_BYTES = 2_000_000_000
INTERACTIVE_S = 2.0
PAGE_BYTES = 3_000_000

READY = "[data-tb-ready]"


@dataclass(frozen=True)
class Measured:
    """One build."""

    site: Path
    seconds: float
    peak_bytes: int
    """Of all processes together."""


def resident_bytes(pid: int) -> int:
    """Memory of a process and all that it started, without counting twice what they share."""
    total = 0
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it ended
        return 0
    for line in rollup.splitlines():
        if line.startswith("Pss:"):
            total += int(line.split()[1]) * 1024
    return total + sum(resident_bytes(int(child)) for child in children)


@pytest.fixture(scope="module")
def submissions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    write_board(folder)
    return folder


@pytest.fixture(scope="module")
def built(submissions: Path, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """As a user builds it, with a cache that is empty."""
    output = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, "-m", "tinybench", "site", "build", "--root", str(REPOSITORY)]
    command += ["--submissions", str(submissions), "--output", str(output)]
    environment = os.environ | {"TINYBENCH_CACHE": str(tmp_path_factory.mktemp("cache"))}
    begin, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    while True:
        peak = max(peak, resident_bytes(process.pid))
        try:
            said, _ = process.communicate(timeout=0.2)
            break
        except subprocess.TimeoutExpired:
            continue
    assert process.returncode == 0, said
    return Measured(output, time.perf_counter() - begin, peak)


def test_building_ten_thousand_results(benchmark: Any, built: Measured) -> None:
    benchmark.pedantic(lambda: built, rounds=1)
    files = [path.stat().st_size for path in built.site.rglob("*") if path.is_file()]
    benchmark.extra_info.update(
        results=RESULTS,
        seconds=built.seconds,
        peak_bytes=built.peak_bytes,
        files=len(files),
        site_bytes=sum(files),
    )
    assert len(list(built.site.glob("results/r-*/index.html"))) == RESULTS
    assert 0 < built.peak_bytes < BUILD_BYTES
    assert built.seconds < BUILD_S


@pytest.fixture
def visitor(built: Measured) -> Iterator[Visitor]:
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("chromium is not here (Debian: apt-get install chromium)")
    with sync_playwright() as playwright, serving_site(built.site) as site:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        visitor = Visitor(browser, site)
        yield visitor
        visitor.close()
        browser.close()
        assert visitor.faults == []


def test_the_leaderboard_is_interactive(benchmark: Any, visitor: Visitor) -> None:
    """Until its table is drawn and answers, from the click on, with nothing in the cache of the browser."""

    def look() -> None:
        page = visitor.open("leaderboard/")
        page.locator(READY).first.wait_for(state="attached")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    begin = time.perf_counter()
    benchmark.pedantic(look, rounds=1)
    seconds = time.perf_counter() - begin
    raw, packed = (visitor.site.transferred(packed=packed) for packed in (False, True))
    benchmark.extra_info.update(seconds=seconds, bytes=raw, bytes_packed=packed)
    assert raw < PAGE_BYTES
    assert seconds < INTERACTIVE_S
