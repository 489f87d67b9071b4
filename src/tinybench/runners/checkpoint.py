"""Outputs of an unfinished run, kept in the cache so that the next one goes on from there.

``checkpoints/<key>`` is a line of JSON and then the outputs as bytes. The key covers whatever decides them:
model, inputs and interpreter with its version. A file that is not exactly what was written is ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Set
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from tinybench.atomic import write_atomically
from tinybench.cache import cache_dir

_FORMAT = "tinybench.checkpoint/1"


class Checkpoint:
    """Where the outputs of one run are kept: int8 of ``shape``, cut into numbered parts."""

    def __init__(self, shape: tuple[int, int], parts: int, *decided_by: str | NDArray[np.int8]) -> None:
        self._head = {"format": _FORMAT, "shape": list(shape), "parts": parts}
        self._shape = shape
        digest = hashlib.sha256(json.dumps(self._head).encode())
        for item in decided_by:
            data = item.encode() if isinstance(item, str) else item.tobytes()
            digest.update(hashlib.sha256(data).digest())
        self.path = cache_dir() / "checkpoints" / digest.hexdigest()

    def load(self) -> tuple[NDArray[np.int8], set[int]]:
        """Outputs, and which parts of them are there; none without a checkpoint that can be used."""
        try:
            line, _, data = self.path.read_bytes().partition(b"\n")
            done = set(json.loads(line)["done"])
            if line != self._line(done, data):
                raise ValueError("not what was written")
            return np.frombuffer(data, np.int8).reshape(self._shape).copy(), done
        except (OSError, ValueError, LookupError, TypeError):
            return np.zeros(self._shape, np.int8), set()

    def save(self, outputs: NDArray[np.int8], done: Set[int]) -> None:
        """Keep what there is. A cache that cannot be written costs the checkpoint, not the run."""
        data = outputs.tobytes()
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, self._line(done, data) + b"\n" + data)

    def _line(self, done: Set[int], data: bytes) -> bytes:
        """The head of the file, with a hash of all that is in it."""
        head = self._head | {"done": sorted(done)}
        digest = hashlib.sha256(json.dumps(head).encode() + data).hexdigest()
        return json.dumps(head | {"sha256": digest}).encode()

    def remove(self) -> None:
        """The run is complete."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
