"""A process that judges submissions: ``python -m tinybench.submissions.worker ROOT TRUSTED``.

One place on each line of standard input, one verdict as JSON on each line of standard output.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tinybench.submissions.judging import judge
from tinybench.submissions.layout import Place
from tinybench.submissions.trusted_keys import TrustedKeys, read_trusted_keys


def main(root: str, trusted: str) -> None:
    """Judge until standard input ends."""
    keys = read_trusted_keys(Path(trusted)) if trusted else TrustedKeys()
    for line in sys.stdin:
        verdict = judge(Path(root), Place(*line.rstrip("\n").split("/")), keys)
        sys.stdout.write(verdict.model_dump_json() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
