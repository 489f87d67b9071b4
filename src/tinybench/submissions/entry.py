"""One result of a submission, and how to read its evidence."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from tinybench.errors import DataError
from tinybench.results.schema import Result

Opener = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens one evidence file: unpacked, limited in size, and read once from the start."""


def opener(read: Callable[[], bytes]) -> Opener:
    """Opens what a function gives; it is called at each opening, so that nothing is kept meanwhile."""

    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        yield io.BytesIO(read())

    return opened


@dataclass(frozen=True)
class Entry:
    """A result and its evidence, wherever they lie: in a submission, or in a tree that is being imported."""

    where: str
    """What findings call it: ``results/<name>.json``, or the folder in a published tree."""
    result: Result
    evidence: Mapping[str, Opener] = field(default_factory=dict)
    """Evidence name, without ``.gz`` -> how to open it. Only what is there: a result may list more."""

    def read(self, name: str) -> bytes | None:
        """The bytes of an evidence file; None if it is not there.

        Raises:
            DataError: it cannot be read, or unpacks to too much.
        """
        opener = self.evidence.get(name)
        if opener is None:
            return None
        try:
            with opener() as stream:
                return stream.read()
        except OSError as error:
            raise DataError(f"{self.where}: evidence {name}: {error.strerror or error}") from None
