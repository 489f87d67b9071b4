"""One page of each kind, of results in rounds that are over, so that the same ones are looked at."""

from __future__ import annotations

import json
from functools import cache

from fakes import REPOSITORY


@cache
def result_ids() -> tuple[str, ...]:
    """Results of keyword spotting in a round of MLPerf Tiny."""
    paths = (REPOSITORY / "submissions" / "mlperf-v1.2").glob("*/*/results/kws.json")
    return tuple(sorted(json.loads(path.read_bytes())["id"] for path in paths))


def main_pages() -> dict[str, str]:
    """Name of a kind of page -> address of one of it, as a link names it."""
    first, second, *_ = result_ids()
    return {
        "home": "index.html",
        "leaderboard": "leaderboard/index.html",
        "task": "tasks/kws/index.html",
        "result": f"results/{first}/index.html",
        "compare": f"compare/index.html?ids={first},{second}",
        "figures": "figures/index.html",
        "system": "systems/mlperf-v1.2/renesas/ek-ra8d1/index.html",
        "organisation": "organisations/stmicroelectronics/index.html",
        "round": "rounds/mlperf-v1.2/index.html",
        "data": "data/index.html",
        "documentation": "submissions.html",
        "rule": "rules/TB001.html",
    }
