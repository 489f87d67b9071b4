"""Keeping a run away from the network, enforced instead of promised."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from tinybench.errors import OfflineError

_EVENTS: Final = frozenset(
    {
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
    }
)
_runs = 0
"""How many runs without network are under way."""
_counting = threading.Lock()


@contextmanager
def no_network(active: bool = True) -> Iterator[None]:
    """Refuse every use of the network by Python code of this process, in all its threads.

    It rests on Python's audit events. Sockets of the file system (AF_UNIX) stay allowed, and processes that
    are started are not watched: the compilers, which get by without network.

    Raises:
        OfflineError: in the block, from whatever wanted the network.
    """
    global _runs
    if not active:
        yield
        return
    _watch()
    with _counting:
        _runs += 1
    try:
        yield
    finally:
        with _counting:
            _runs -= 1


@cache
def _watch() -> None:
    # A hook cannot be removed again: it is there from the first such run on, and idle between runs.
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if not _runs or event not in _EVENTS:
        return
    target = arguments[0]
    family = getattr(target, "family", None)
    if family == socket.AF_UNIX:
        return
    if family is not None:
        target = arguments[1]
    raise OfflineError(
        f"the run wanted the network ({event.removeprefix('socket.')} {target}), but is offline",
        hint="leave --offline out, or ask whoever wrote the runner why it needs the network",
    )
