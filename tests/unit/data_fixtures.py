"""A miniature data set in the official layout, a cache for it, and a loopback server that can misbehave."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
import wave
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tinybench import specs
from tinybench.specs import Archive, DatasetSpec, TaskSpec

FOLDERS = (
    *("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes"),
    *("_silence_", "_unknown_"),
)
CLIPS_EACH = 3


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wav(seed: int, samples: int = 800) -> bytes:
    """A 16 kHz mono WAV file of noise; shorter than a second, as some official clips are."""
    noise = np.random.default_rng(seed).integers(-9000, 9000, samples, dtype=np.int16)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(noise.tobytes())
    return buffer.getvalue()


def member(name: str, data: bytes = b"", **attributes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, data


def write_tar(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return path


def write_zip(
    path: Path, members: dict[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def describe(
    archive: Path, *, url: str = "http://127.0.0.1:9/", files: int, expected: str | None = None
) -> DatasetSpec:
    """A data set of one archive and one subset, ``test``."""
    data = archive.read_bytes()
    return DatasetSpec.model_validate(
        {
            "id": "mini",
            "title": "Mini commands",
            "license": "CC0-1.0",
            "license_url": "https://creativecommons.org/publicdomain/zero/1.0/",
            "homepage": "https://example.org/",
            "citation": "nobody, 2026",
            "archives": [
                {
                    "name": archive.name,
                    "url": url,
                    "bytes": len(data),
                    "sha256": sha256(data),
                    "license": "CC0-1.0",
                }
            ],
            "subsets": {
                "test": {
                    "title": "all of it",
                    "archive": archive.name,
                    "folders": FOLDERS,
                    "suffix": ".wav",
                    "files": files,
                    "sha256": expected,
                }
            },
        }
    )


@dataclass(frozen=True)
class Corpus:
    clips: dict[str, bytes]
    """``<label>/<file>`` -> content."""
    folder: Path
    archive: Path
    dataset: DatasetSpec

    @property
    def task(self) -> TaskSpec:
        return specs.task("kws").model_copy(update={"dataset": self.dataset})

    def served_from(self, url: str) -> DatasetSpec:
        return describe(self.archive, url=url, files=len(self.clips))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """36 clips laid out as ``./<label>/<clip>.wav``, with texts and what macOS adds."""
    root = tmp_path_factory.mktemp("corpus")
    clips = {
        f"{folder}/{number:08x}_nohash_{number}.wav": wav(100 * index + number)
        for index, folder in enumerate(FOLDERS)
        for number in range(CLIPS_EACH)
    }
    members = [
        member("./", type=tarfile.DIRTYPE),
        member("./LICENSE", b"text"),
        member("./README.md", b"text"),
    ]
    members += [member(f"./{folder}", type=tarfile.DIRTYPE) for folder in FOLDERS]
    members += [member(f"./{path}", data) for path, data in clips.items()]
    members += [member("./right/._00000000_nohash_0.wav", b"finder"), member("./right/.DS_Store", b"finder")]
    folder = root / "unpacked"
    for path, data in clips.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "README.md").write_text("text")
    (folder / "right" / ".DS_Store").write_text("finder")
    archive = write_tar(root / "mini.tar.gz", members)
    return Corpus(clips, folder, archive, describe(archive, files=len(clips)))


@pytest.fixture
def data_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, which does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TINYBENCH_CACHE", str(folder))
    return folder


Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """Answers request k with ``replies[k]``, the last one again and again; keeps the headers it saw."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for headers in self.seen]


def send(
    payload: bytes,
    *,
    etag: str | None = '"v1"',
    modified: str | None = None,
    ranges: bool = True,
    if_range: bool = True,
    length: bool = True,
    cut: int | None = None,
    total: int | None = None,
) -> Reply:
    """Serve ``payload`` with Range and If-Range as RFC 9110 says; the arguments make it deviate.

    ``cut`` ends the connection after so many bytes of the body; ``total`` lies in Content-Range.
    """

    def reply(handler: BaseHTTPRequestHandler) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        condition = handler.headers.get("If-Range")
        start = int(wanted[1]) if wanted and ranges else 0
        if if_range and condition not in (None, etag, modified):
            start = 0
        body = payload[start:]
        handler.send_response(206 if start else 200)
        if start:
            end = f"{len(payload) - 1}/{total or len(payload)}"
            handler.send_header("Content-Range", f"bytes {start}-{end}")
        if length:
            handler.send_header("Content-Length", str(len(body)))
        if etag:
            handler.send_header("ETag", etag)
        if modified:
            handler.send_header("Last-Modified", modified)
        handler.end_headers()
        handler.wfile.write(body if cut is None else body[:cut])

    return reply


def refuse(status: int, **headers: str) -> Reply:
    """Answer with a status and no content."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return reply


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An HTTP server on 127.0.0.1; the environment's proxies do not apply."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = len(state.seen)
            state.seen.append(dict(self.headers))
            state.replies[min(number, len(state.replies) - 1)](self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_port}/mini.tar.gz"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@pytest.fixture
def payload() -> bytes:
    """100,000 bytes that look like nothing else."""
    return np.random.default_rng(7).bytes(100_000)


def archive_of(payload: bytes, url: str) -> Archive:
    return Archive(name="blob.tar.gz", url=url, bytes=len(payload), sha256=sha256(payload), license="CC0-1.0")
