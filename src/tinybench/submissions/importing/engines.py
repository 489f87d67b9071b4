"""Typed inference engines out of the free text in which submitters name them."""

from __future__ import annotations

import json
import re
from typing import Final

from tinybench.results.schema import Engine

_VERSION: Final = r"(?:\s+v?(?P<version>\d[\w.]*))?"
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), name, kernels)
    for pattern, name, kernels in (
        (rf"X-CUBE-AI{_VERSION}", "X-CUBE-AI", None),
        (rf"ST ?Edge[- ]?AI(?: Core)?(?: Internal version|{_VERSION})", "ST Edge AI", None),
        (rf"Plumerai Inference Engine{_VERSION}", "Plumerai Inference Engine", None),
        (rf"(?:Bosch )?HALE{_VERSION}", "Bosch HALE", None),
        # "Core 2" is the accelerator.
        (rf"Syntiant SDK{_VERSION}(?: / Core 2)?", "Syntiant SDK", None),
        (rf"microTVM{_VERSION} \+ CMSIS-NN", "microTVM", "CMSIS-NN"),
        (rf"microTVM{_VERSION} \(native schedules\)", "microTVM", "native schedules"),
        (rf"microTVM{_VERSION}", "microTVM", None),
        (rf"ONNC{_VERSION}", "ONNC", None),
        (rf"ONNC{_VERSION} \+ CMSIS-NN(?: \(CMSIS_5\))?", "ONNC", "CMSIS-NN"),
        (rf"ONNC{_VERSION} \+ Andes NN(?: library)?", "ONNC", "Andes NN"),
        (
            rf"(?:TFLite Micro|Tensor ?Flow Lite (?:for )?Micro(?:controllers)?){_VERSION} \+ "
            r"CMSIS-NN(?: C sources built for RXv2)?(?: \(.*\))?",
            "TensorFlow Lite Micro",
            "CMSIS-NN",
        ),
        (rf"TFLite Micro{_VERSION} \+ Andes NN library", "TensorFlow Lite Micro", "Andes NN"),
        (
            rf"(?:TFLite Micro|Tensor ?Flow Lite (?:for )?Micro(?:controllers)?){_VERSION}",
            "TensorFlow Lite Micro",
            None,
        ),
        (rf"LEIP{_VERSION}", "LEIP", None),
        (rf"Qualcomm AI Stack{_VERSION}", "Qualcomm AI Stack", None),
        (r"GAPflow / GAP SDK \(NE16\)", "GAPflow", "GAP SDK (NE16)"),
        (rf"FINN{_VERSION}", "FINN", None),
        (rf"hls4ml{_VERSION}", "hls4ml", None),
        (r"fpgaConvNet(?: \(Model \+ Optimiser\))?", "fpgaConvNet", None),
        (r"Sinian/CSI-NN2", "Sinian", "CSI-NN2"),
        (r"self-developed", "self-developed", None),
    )
)
_KERNELS: Final = ("CMSIS-NN", "Andes NN")
"""Kernel libraries that are known to be there because their commit is given."""
_LIBRARIES: Final = {"microTVM": ("TVM",), "CMSIS-NN": ("CMSIS_NN", "CMSIS_5"), "Andes NN": ("andes_nn",)}
"""Keys under which a submitter's JSON of libraries gives the commit of an engine or of its kernels."""
_LARGER: Final = ("CMSIS_5",)
"""Of these keys, larger repositories that hold the library: their commits say nothing without their name."""


def engine(text: str, compiler: str | None, libraries: str | None) -> Engine | None:
    """The engine that a text names.

    Args:
        text: runtime, version and kernels in the submitter's words.
        compiler: compiler and version; taken as it stands.
        libraries: JSON object of libraries, each with its commit (``SHA``), or any other text.

    Returns:
        None if the text is none of those known; a version that is not stated is None.
    """
    for pattern, name, kernels in _PATTERNS:
        found = pattern.fullmatch(text.strip())
        if found is not None:
            stated = found.groupdict().get("version")
            commits = _commits(libraries)
            if kernels is None:
                kernels = next((key for key in _KERNELS if _commit(commits, key)), None)
            return Engine(
                name=name,
                version=stated or _commit(commits, name),
                kernels=kernels,
                kernels_version=_commit(commits, kernels) if kernels else None,
                compiler=compiler,
            )
    return None


def unknown_engine(text: str, compiler: str | None) -> Engine:
    """The text itself as the name, where it is none of those known."""
    return Engine(name=text, version=None, kernels=None, kernels_version=None, compiler=compiler)


def _commit(commits: dict[str, str], name: str) -> str | None:
    for key in _LIBRARIES.get(name, ()):
        if commits.get(key):
            return f"{key} {commits[key]}" if key in _LARGER else commits[key]
    return None


def _commits(libraries: str | None) -> dict[str, str]:
    try:
        document = json.loads(libraries or "")
    except (ValueError, RecursionError):
        return {}  # prose
    if not isinstance(document, dict):
        return {}
    return {
        key: value["SHA"]
        for key, value in document.items()
        if isinstance(value, dict) and isinstance(value.get("SHA"), str)
    }
