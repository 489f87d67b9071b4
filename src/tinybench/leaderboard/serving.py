"""Serves a folder to the browser of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tinybench.errors import UsageError


class Server(ThreadingHTTPServer):
    """On the loopback interface; nobody else on the network sees it."""

    daemon_threads = True

    def serve(self, folder: Path) -> None:
        """Answer requests for the files of a folder until the program is interrupted."""
        self.RequestHandlerClass = partial(_Handler, directory=str(folder))
        self.serve_forever(poll_interval=0.1)


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the library never prints."""


@contextmanager
def serving(port: int) -> Iterator[Server]:
    """A server that has its port and does not answer yet.

    Raises:
        UsageError: the port is taken, or needs rights that one does not have.
    """
    try:
        server = Server(("127.0.0.1", port), _Handler)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"port {port}: {reason}", hint="name another --port, or 0 for any") from None
    with server:
        yield server
