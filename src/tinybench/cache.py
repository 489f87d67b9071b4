"""Where downloaded data and compiled firmware are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

from tinybench.paths import expand


def cache_dir() -> Path:
    """``$TINYBENCH_CACHE``, else the user's XDG cache folder. Not created here.

    Raises:
        UsageError: TINYBENCH_CACHE begins with ``~`` and a name that nobody has.
    """
    configured = os.environ.get("TINYBENCH_CACHE")
    if configured:
        return expand(configured, "TINYBENCH_CACHE").absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("tinybench"))
