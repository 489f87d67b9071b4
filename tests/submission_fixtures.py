"""Small submissions for tests: whole ones, and ones with something changed."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tinybench.submissions import documents, manifest, scanning
from tinybench.submissions.findings import Finding

PLACE = "2026.1/acme/board-one"
RESULT_ID = "r-0123456789abcdef"
EVIDENCE = f"evidence/{RESULT_ID}"
LOG = b"00001.000 dut: m-infer-start-10\r\n00011.000 dut: m-infer-done\r\n"


def png() -> bytes:
    """One white pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\xff")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + pixel


def npy(array: np.ndarray) -> bytes:
    """A .npy file, of Python objects too."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def trace(samples_mw: list[float], rate_hz: float = 1000.0) -> bytes:
    """A power trace as the energy runner writes it."""
    return b"\xf1" + struct.pack(f"<{1 + len(samples_mw)}f", rate_hz, *samples_mw)


def default_files() -> dict[str, bytes]:
    """Path -> content of a submission that breaks no rule about files; without its manifest."""
    return {
        "system.toml": 'organisation = "Acmé"\nboard = "One"\n'.encode(),
        "README.md": b"# Board One\n\nMeasured on a desk.\n",
        "results/kws.json": b'{"id": "r-0123456789abcdef", "notes": ["a < b"], "value": 1.5}\n',
        f"{EVIDENCE}/performance-log.txt": LOG,
        f"{EVIDENCE}/accuracy-log.txt.gz": gzip.compress(LOG * 1000, mtime=0),
        f"{EVIDENCE}/energy-trace1-energy.bin": trace([1.5] * 20),
        f"{EVIDENCE}/energy-trace1-timestamps.json": b"[0.001, 0.012]\n",
        f"{EVIDENCE}/outputs.npy": npy(np.zeros((2, 12), np.int8)),
        f"{EVIDENCE}/power.png": png(),
        "attestations/acme.dsse.json": b'{"payload": "", "signatures": []}\n',
    }


def write_submission(
    root: Path,
    place: str = PLACE,
    *,
    files: Mapping[str, bytes | None] | None = None,
    with_manifest: bool = True,
) -> Path:
    """Write a submission below ``root`` and give back its folder.

    Args:
        root: what ``submissions/`` is in a repository.
        place: round, organisation and system.
        files: what is added to the default files or replaces them; None leaves one out.
        with_manifest: whether ``manifest.json`` is written, for all of them, whatever they are.
    """
    folder = root / place
    for path, content in {**default_files(), **(files or {})}.items():
        if content is not None:
            write_file(folder / path, content)
    if with_manifest:
        repack(folder)
    return folder


def write_file(path: Path, content: bytes) -> Path:
    """Write one file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def repack(folder: Path) -> str:
    """Write the manifest of what is there now; gives back its digest."""
    return manifest.write(folder, manifest.build(folder, scanning.scan(folder).inventory))


def file_findings(folder: Path) -> tuple[Finding, ...]:
    """All that the rules about files, manifest and texts find."""
    found = scanning.scan(folder)
    return (
        *scanning.check_place(folder),
        *found.findings,
        *manifest.check(folder, found.inventory).findings,
        *documents.read_documents(folder, found.inventory).findings,
    )
