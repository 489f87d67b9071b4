"""Open benchmark suite for machine learning on microcontrollers.

    import tinybench
    result = tinybench.run("kws", runner="tflm-sim")
    print(result.metric("latency.per_inference"))

Names are imported when they are first used: ``import tinybench`` is cheap. What the content folders hold
is in ``tinybench.specs``: ``tasks()``, ``models()`` and ``devices()``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinybench._version import __version__

if TYPE_CHECKING:
    from tinybench.api import run
    from tinybench.errors import TinybenchError
    from tinybench.models import Model
    from tinybench.profiling.measure import profile
    from tinybench.profiling.schema import Profile
    from tinybench.results.schema import Metric, Result
    from tinybench.results.store import read as load_result
    from tinybench.results.store import verify as verify_result
    from tinybench.runners.base import Bench
    from tinybench.runners.registry import runner_names
    from tinybench.submissions.importing.api import import_mlperf_tiny

__all__ = [
    "Bench",
    "Metric",
    "Model",
    "Profile",
    "Result",
    "TinybenchError",
    "__version__",
    "import_mlperf_tiny",
    "load_result",
    "profile",
    "run",
    "runner_names",
    "verify_result",
]

_HOMES = {
    "Bench": ("tinybench.runners.base", "Bench"),
    "Metric": ("tinybench.results.schema", "Metric"),
    "Model": ("tinybench.models", "Model"),
    "Profile": ("tinybench.profiling.schema", "Profile"),
    "Result": ("tinybench.results.schema", "Result"),
    "TinybenchError": ("tinybench.errors", "TinybenchError"),
    "import_mlperf_tiny": ("tinybench.submissions.importing.api", "import_mlperf_tiny"),
    "load_result": ("tinybench.results.store", "read"),
    "profile": ("tinybench.profiling.measure", "profile"),
    "run": ("tinybench.api", "run"),
    "runner_names": ("tinybench.runners.registry", "runner_names"),
    "verify_result": ("tinybench.results.store", "verify"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tinybench' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
