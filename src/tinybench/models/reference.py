"""Loading what a user names as a model: a reference model, or a .tflite file."""

from __future__ import annotations

import os

from tinybench import specs
from tinybench.errors import ModelError
from tinybench.models.graph import Model
from tinybench.paths import expand


def is_path(wanted: str | os.PathLike[str]) -> bool:
    """Whether this names a file and not a reference model."""
    name = os.fspath(wanted)
    return isinstance(wanted, os.PathLike) or name.endswith(".tflite") or os.sep in name


def load_named(wanted: str | os.PathLike[str], option: str = "--model") -> Model:
    """Load a .tflite file, or a reference model by its id.

    Args:
        wanted: path or id.
        option: what to call a path in an error.

    Raises:
        UnknownNameError: there is no reference model of this id.
        ModelError: the file is no model that can be read, not the one that model.toml describes, or of a
            reference model that was not fetched yet.
    """
    if is_path(wanted):
        return Model.load(expand(wanted, option))
    spec = specs.model(os.fspath(wanted))
    fetch = f"tinybench models fetch {spec.id}"
    if spec.download is not None and not spec.is_here:
        raise ModelError(f"model '{spec.id}' is not on this machine", hint=f"fetch it with '{fetch}'")
    loaded = Model.load(spec.path)
    if loaded.sha256 != spec.sha256:
        restore = "restore the file" if spec.download is None else f"run '{fetch}'"
        raise ModelError(
            f"{spec.path}: its SHA-256 is not the one in model.toml",
            hint=f"{restore}, or give its path to use it as your own model",
        )
    return loaded
