"""Looking at a site as a visitor does: a server that counts bytes, and a page that reports every complaint.

What the browser would only note in its console is a fault here: an error of a script, something that the
content security policy refused, a request that failed, and any request to another place than the site.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
"""Without them Chromium does not start as root, or talks to others than the site."""

PHONE: Final = {"width": 390, "height": 844}
DESKTOP: Final = {"width": 1280, "height": 900}
TIMEOUT_MS: Final = 30_000
"""Of what never comes; on a machine that is busy a page may take many seconds."""
PREFIX: Final = "/tinybench/"
"""Path of the site on its server, as on GitHub Pages: a page that is missing links with it."""

Visit = Callable[..., Page]
"""Opens an address of the site of this repository: the fixture ``visit``."""


@dataclass
class Site:
    """A folder that is served."""

    folder: Path
    base: str
    """``http://127.0.0.1:port/tinybench/``, or ``file://...`` of the folder; with a slash at the end."""
    served: list[Path] = field(default_factory=list)
    """Files that were asked for, in order."""

    def url(self, address: str = "") -> str:
        """Of a page, as a link names it: from a disk, a folder is its index.html."""
        path, mark, rest = address.partition("?")
        if self.base.startswith("file:") and (not path or path.endswith("/")):
            path += "index.html"
        return f"{self.base}{path}{mark}{rest}"

    def transferred(self, *, packed: bool) -> int:
        """Bytes of what was served so far; ``packed`` as web servers send text, by gzip."""
        text = (".html", ".js", ".css", ".json", ".svg", ".xml")
        return sum(
            len(gzip.compress(file.read_bytes(), 6))
            if packed and file.suffix in text
            else file.stat().st_size
            for file in self.served
        )


@contextmanager
def serving_site(folder: Path) -> Iterator[Site]:
    """Serve a folder on the loopback interface."""
    site = Site(folder, "")

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def send_head(self) -> Any:
            if self.path == "/favicon.ico":
                # Chromium asks for it beside files that are no page; pages name their own.
                self.send_response(HTTPStatus.NO_CONTENT)
                self.end_headers()
                return None
            path = Path(self.translate_path(self.path))
            site.served.append(path / "index.html" if path.is_dir() else path)
            return super().send_head()

        def translate_path(self, path: str) -> str:
            # What does not begin so is nowhere: another site of the same server.
            below = path.removeprefix(PREFIX)
            return super().translate_path(f"/{below}") if below != path else str(folder / "elsewhere")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        site.base = f"http://127.0.0.1:{server.server_port}{PREFIX}"
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


class Visitor:
    """Pages of one browser context; ``faults`` holds what went wrong on any of them."""

    def __init__(self, browser: Browser, site: Site, **options: Any) -> None:
        self.site = site
        self.faults: list[str] = []
        options = {"viewport": DESKTOP, "accept_downloads": True, **options}
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(TIMEOUT_MS)
        self.context.on("page", self._watch)

    def open(self, address: str = "") -> Page:
        """A new page at an address of the site; what a script has to do when it loads is done."""
        page = self.context.new_page()
        self.go(page, address)
        return page

    def go(self, page: Page, address: str) -> None:
        """To another address on the same page."""
        page.goto(self.site.url(address), wait_until="load")

    def close(self) -> None:
        """End; the caller looks at ``faults``."""
        self.context.close()

    def _watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: script error: {error}"))
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("response", self._response)
        page.on("dialog", lambda dialog: self._dialog(page, dialog))

    def _console(self, message: ConsoleMessage) -> None:
        # The scripts of the site print nothing; what is printed is Chromium's complaint or their own.
        if message.type in ("error", "warning", "assert"):
            self.faults.append(f"{message.location.get('url')}: console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.site.base, "data:", "blob:")):
            self.faults.append(f"request off the site: {request.url}")

    def _failed(self, request: Request) -> None:
        # A download takes a request out of the page: that is how it ends there.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"request failed: {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.url}: answered {response.status}")

    def _dialog(self, page: Page, dialog: Any) -> None:
        self.faults.append(f"{page.url}: dialog: {dialog.message}")
        dialog.dismiss()
