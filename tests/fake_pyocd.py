"""A pyOCD without probes, at the border of the process: it takes pyOCD's arguments and prints pyOCD's lines.

What is plugged in and what happens is in a JSON file, whose path is ``FAKE_PYOCD``: ``probes`` (pairs of
unique id and title), ``says`` (lines for the standard error), ``code``, ``bar`` (whether the progress bar is
drawn) and ``hang`` (seconds). Each call adds its arguments to ``calls`` there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

STATE = Path(os.environ["FAKE_PYOCD"])


def main() -> int:
    state = json.loads(STATE.read_text())
    state.setdefault("calls", []).append({"arguments": sys.argv[1:]})
    STATE.write_text(json.dumps(state))
    if sys.argv[1] == "json":
        boards = [{"unique_id": uid, "info": title} for uid, title in state.get("probes", ())]
        print(state.get("listing") or json.dumps({"status": 0, "boards": boards}))
        return 0
    if state.get("bar"):
        print("[" + "---|" * 9 + "----]\n[", end="", flush=True)
        for _ in range(40):
            print("=", end="", flush=True)
        print("]", flush=True)
    for line in state.get("says", ()):
        print(line, file=sys.stderr, flush=True)
    time.sleep(state.get("hang", 0))
    return int(state.get("code", 0))


if __name__ == "__main__":
    sys.exit(main())
