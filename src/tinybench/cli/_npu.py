"""Check of what NPUs need. It does not fail: everything else does without."""

from __future__ import annotations

from collections.abc import Iterator

from tinybench.cli._finding import Finding


def compiler() -> Iterator[Finding]:
    """The compiler of Ethos-U NPUs is installed."""
    from tinybench.errors import UsageError
    from tinybench.npu.vela import PACKAGE, check_installed

    try:
        yield Finding("npu", "ok", f"{PACKAGE} {check_installed()}")
    except UsageError as error:
        yield Finding("npu", "warn", f"without {PACKAGE}, no Ethos-U can be estimated", error.hint or "")
