"""Where downloaded data and compiled firmware are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """``$TINYBENCH_CACHE``, else the user's XDG cache folder. Not created here."""
    configured = os.environ.get("TINYBENCH_CACHE")
    if configured:
        return Path(configured).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("tinybench"))
