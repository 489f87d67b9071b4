"""Opens a Joulescope, records, and prints what it got as JSON; run with a fake in LD_PRELOAD.

Standard input is JSON: ``address``, ``supply_v``, ``rate_hz``, ``recordings``, ``edges`` of each,
``answer_s`` (how long it is waited for), ``find`` (whether to look before).
"""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from typing import Any

from tinybench.errors import TinybenchError
from tinybench.meters import joulescope
from tinybench.meters.base import Settings


def main() -> None:
    asked = json.load(sys.stdin)
    joulescope._ANSWER_S = asked["answer_s"]
    got: dict[str, Any] = {}
    if asked["find"]:
        got["found"] = [dataclasses.asdict(found) for found in joulescope.Joulescope().find()]
    try:
        settings = Settings(supply_v=asked["supply_v"], rate_hz=asked["rate_hz"])
        session = joulescope.Joulescope().open(asked["address"], settings)
        got["instrument"] = dataclasses.asdict(session.instrument)
        got["recordings"] = []
        try:
            for _ in range(asked["recordings"]):
                recording = session.start()
                recording.wait_for_edges(asked["edges"], beyond_s=0.1, timeout_s=30)
                trace = recording.trace()
                got["recordings"].append({"edges": recording.edges, "power_w": trace.power_w.tolist()})
                session.stop()
        finally:
            session.close()
            session.close()
    except TinybenchError as error:
        got["error"] = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
    got["handlers"] = len(logging.getLogger("jsdrv").handlers)
    json.dump(got, sys.stdout)


if __name__ == "__main__":
    main()
