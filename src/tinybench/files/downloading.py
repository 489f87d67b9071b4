"""Downloads: resumable, checked, and never half-done under the final name.

A download grows in ``<target>.part``; ``<target>.part.json`` beside it holds the validator (ETag or
Last-Modified) of the file that the server was sending. A later attempt asks for the rest with ``Range`` and
``If-Range`` (RFC 9110, 13.1.5), so that a file that changed in between is sent whole and not glued together.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinybench.errors import FetchError
from tinybench.files import disk
from tinybench.files.hashing import file_digest
from tinybench.progress import Progress, silent

if TYPE_CHECKING:
    import httpx

_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_TIMEOUT_S = 30.0
"""Without one byte; a slow download may take as long as it takes."""
_LONGEST_PAUSE_S = 30.0
_HEADWAY_BYTES = 1024 * 1024
"""An attempt that got this far does not count as failed: a long download may be cut often."""
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class Remote:
    """A file that is published at a fixed address and never changes there."""

    url: str
    bytes: int
    checksum: tuple[str, str]
    """Name of the algorithm, as ``hashlib`` calls it, and the digest in lower-case hex."""
    by_hand: str
    """The command that takes the file if it was downloaded elsewhere."""


class _CutError(Exception):
    """An attempt that ended early in a way that another attempt may get past."""


def download(
    remote: Remote,
    target: Path,
    *,
    progress: Progress = silent,
    attempts: int = 5,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """Download one file to ``target``, or go on where an earlier download stopped.

    Args:
        remote: what to download.
        target: where to; if the right file is there already, nothing is done.
        progress: called as ``("download", bytes done, bytes in all)``.
        attempts: how many failures in a row, without headway, end it.
        pause: waits so many seconds before the next attempt: 1, 2, 4, ... up to 30.

    Raises:
        FetchError: it did not work, or what came has another size or checksum.
        OutputError: the cache cannot be written.
    """
    algorithm, expected = remote.checksum
    if target.is_file():
        if target.stat().st_size == remote.bytes and file_digest(target, algorithm) == expected:
            return target
        with disk.writing(target):
            target.unlink()
    part = _Part(remote, target)
    with disk.writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        part.prepare()
    disk.require_space(target.parent, remote.bytes - part.size())
    _download_part(remote, part, progress, attempts, pause)
    progress("check", 0, 1)
    digest = file_digest(part.path, algorithm)
    progress("check", 1, 1)
    if digest != expected:
        part.discard()
        raise FetchError(
            f"{remote.url}: {algorithm} is {digest}, expected {expected}",
            hint="try again; if it stays, the published file has changed: please report it",
        )
    with disk.writing(target):
        part.path.replace(target)
    part.discard()
    return target


def _download_part(
    remote: Remote, part: _Part, progress: Progress, attempts: int, pause: Callable[[float], None]
) -> None:
    import httpx

    failures = 0
    try:
        client = httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True)
    except (ImportError, ValueError) as error:
        hint = "correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"
        raise FetchError(f"the proxy settings cannot be used: {error}", hint=hint) from error
    with client:
        while part.size() != remote.bytes:
            before = part.size()
            try:
                _attempt(client, remote, part, progress)
            except (_CutError, httpx.TransportError) as error:
                failures = 1 if part.size() - before >= _HEADWAY_BYTES else failures + 1
                if failures >= attempts:
                    reason = str(error) or type(error).__name__
                    raise FetchError(
                        f"{remote.url}: {reason} ({failures} attempts)",
                        hint="run the same command again: it goes on where it stopped; or download the file "
                        f"elsewhere and use {remote.by_hand}",
                    ) from error
                pause(min(2.0 ** (failures - 1), _LONGEST_PAUSE_S))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                hint = "check the network and the proxy settings"
                raise FetchError(f"{remote.url}: {error}", hint=hint) from error


def _attempt(client: httpx.Client, remote: Remote, part: _Part, progress: Progress) -> None:
    """One request that appends to the part, or starts it anew."""
    have = part.size()
    # The file itself, not a compressed transfer of it: sizes and offsets have to be those of the file.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if part.validator:
            headers["If-Range"] = part.validator
    with client.stream("GET", remote.url, headers=headers) as response:
        offset = _offset(response, remote, part, have)
        if offset == 0:
            part.restart(_validator(response))
        done = offset
        with disk.writing(part.path), part.path.open("ab") as handle:
            for block in response.iter_raw():
                done += len(block)
                if done > remote.bytes:
                    break
                handle.write(block)
                progress("download", done, remote.bytes)
    if done > remote.bytes:
        part.discard()
        raise FetchError(f"{remote.url}: sends more than the {remote.bytes} bytes expected", hint=_CHANGED)
    if done < remote.bytes:
        raise _CutError(f"the connection ended after {done} of {remote.bytes} bytes")


_CHANGED = "the published file has changed, or something between you and it answers in its place"


def _offset(response: httpx.Response, remote: Remote, part: _Part, have: int) -> int:
    """Where the body of this response starts in the file: ``have`` for the rest of it, 0 for all of it."""
    status = response.status_code
    if status in _TRANSIENT_STATUS:
        raise _CutError(f"the server answered {status}")
    if status == 206:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        sent = _validator(response)
        changed = bool(part.validator and sent and sent != part.validator)
        if match and match[2] not in ("*", str(remote.bytes)):
            part.discard()
            raise FetchError(f"{remote.url}: has {match[2]} bytes, expected {remote.bytes}", hint=_CHANGED)
        if match is None or int(match[1]) != have or changed:
            part.discard()
            raise _CutError("the server resumed another file or another place")
        return have
    if status == 416:
        part.discard()
        raise _CutError("the server cannot resume")
    if status != 200:
        raise FetchError(f"{remote.url}: the server answered {status}", hint=_CHANGED)
    length = response.headers.get("Content-Length")
    if length is not None and length != str(remote.bytes):
        raise FetchError(f"{remote.url}: has {length} bytes, expected {remote.bytes}", hint=_CHANGED)
    return 0


def _validator(response: httpx.Response) -> str:
    """A strong validator for If-Range: weak ETags are not allowed there."""
    etag: str = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return etag
    modified: str = response.headers.get("Last-Modified", "")
    return modified


class _Part:
    """The growing file and what it is part of."""

    def __init__(self, remote: Remote, target: Path) -> None:
        self._remote = remote
        self._checksum = ":".join(remote.checksum)
        self.path = target.with_name(target.name + ".part")
        self._record = self.path.with_name(self.path.name + ".json")
        self.validator = ""

    def prepare(self) -> None:
        """Keep what an earlier run left if it belongs to this file, else throw it away."""
        try:
            record = json.loads(self._record.read_bytes())
            belongs = record["checksum"] == self._checksum and self.size() <= self._remote.bytes
            self.validator = str(record["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            belongs = False
        if not belongs:
            self.discard()

    def size(self) -> int:
        """Bytes there are; 0 without a file."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def restart(self, validator: str) -> None:
        """Empty the file, and note what the server says that it is about to send."""
        # In this order: an interruption in between leaves an empty part, never one with a wrong validator.
        with disk.writing(self.path):
            self.path.write_bytes(b"")
        record = {"checksum": self._checksum, "validator": validator}
        disk.write_whole(self._record, json.dumps(record) + "\n")
        self.validator = validator

    def discard(self) -> None:
        """Remove the file and its record."""
        with disk.writing(self.path):
            self.path.unlink(missing_ok=True)
            self._record.unlink(missing_ok=True)
        self.validator = ""
