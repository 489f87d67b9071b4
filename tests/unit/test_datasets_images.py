"""Decoding images that may be anything, and quantising pixels."""

from __future__ import annotations

import contextlib
import struct
import tempfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tinybench.datasets import images
from tinybench.errors import DataError

SIDE = 32


@pytest.fixture(scope="session")
def smooth() -> NDArray[np.uint8]:
    """A gradient of colours, which JPEG keeps nearly as it is."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    return np.dstack([4 * x, 4 * y, 255 - 4 * x]).astype(np.uint8)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(
    ("name", "options"), [("a.png", {}), ("a.webp", {"lossless": True}), ("a.jpg", {"quality": 100})]
)
def test_a_colour_image(
    tmp_path: Path, smooth: NDArray[np.uint8], name: str, options: dict[str, object]
) -> None:
    pixels = images.load_image(save(tmp_path / name, Image.fromarray(smooth), **options), SIDE)
    assert (pixels.shape, pixels.dtype) == ((SIDE, SIDE, 3), np.uint8)
    worst = np.abs(pixels.astype(int) - smooth).max()
    assert worst <= (6 if name == "a.jpg" else 0)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "RGBA"])
def test_other_kinds_of_pixels_become_rgb(tmp_path: Path, mode: str) -> None:
    colour = {"1": 1, "L": 200, "CMYK": (0, 0, 0, 55), "LA": (200, 255), "RGBA": (200, 200, 200, 255)}
    expected = 255 if mode == "1" else 200
    if mode == "P":
        image = Image.new("RGB", (SIDE, SIDE), (200, 200, 200)).convert("P", palette=Image.Palette.ADAPTIVE)
    else:
        image = Image.new(mode, (SIDE, SIDE), colour[mode])
    path = save(tmp_path / ("a.jpg" if mode == "CMYK" else "a.png"), image)
    pixels = images.load_image(path, SIDE)
    assert pixels.shape == (SIDE, SIDE, 3)
    assert np.abs(pixels.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_a_transparent_image(tmp_path: Path, mode: str) -> None:
    if mode == "P":
        path = save(tmp_path / "a.png", Image.new("P", (SIDE, SIDE), 0), transparency=0)
    else:
        path = save(tmp_path / "a.png", Image.new(mode, (SIDE, SIDE), (9,) * (len(mode) - 1) + (254,)))
    with pytest.raises(DataError, match=r"a\.png: is partly transparent"):
        images.load_image(path, SIDE)


def test_sixteen_bits_per_pixel(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.new("I;16", (SIDE, SIDE), 40_000))
    with pytest.raises(DataError, match=r"a\.png: pixels of kind I;16 are not supported"):
        images.load_image(path, SIDE)


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_an_animated_image(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (SIDE, SIDE), (shade, 0, 0)) for shade in (0, 90, 180)]
    path = save(tmp_path / f"a.{suffix}", frames[0], save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=rf"a\.{suffix}: is animated"):
        images.load_image(path, SIDE)


@pytest.mark.parametrize("size", [(96, 96), (32, 33), (1, 1)])
def test_another_size(tmp_path: Path, size: tuple[int, int]) -> None:
    path = save(tmp_path / "a.png", Image.new("RGB", size))
    with pytest.raises(
        DataError, match=rf"a\.png: is {size[0]} x {size[1]} pixels, expected 32 x 32"
    ) as caught:
        images.load_image(path, SIDE)
    assert "32 x 32" in str(caught.value.hint)


@pytest.mark.parametrize("side", [12_000, 2**31 - 1])
def test_a_decompression_bomb_is_not_decoded(tmp_path: Path, side: int) -> None:
    """A PNG of 100 bytes that says it has 144 million pixels or more."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.png: (is \d+ x \d+ pixels|cannot be decoded)"):
        images.load_image(tmp_path / "a.png", SIDE)


@pytest.mark.parametrize("damage", ["zero bytes", "cut", "text", "missing", "gif", "folder"])
def test_a_broken_image(tmp_path: Path, smooth: NDArray[np.uint8], damage: str) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(smooth))
    data = path.read_bytes()
    if damage in ("missing", "folder"):
        path.unlink()
    if damage == "folder":
        path.mkdir()
    if damage == "gif":
        save(path, Image.fromarray(smooth), format="GIF")
    if damage in ("zero bytes", "cut", "text"):
        path.write_bytes({"zero bytes": b"", "cut": data[: len(data) // 2], "text": b"not an image"}[damage])
    with pytest.raises(DataError) as caught:
        images.load_image(path, SIDE)
    assert str(path) in caught.value.message
    assert caught.value.hint


@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.integers(0, 900), st.binary(min_size=1, max_size=40))
def test_damage_is_a_data_error_or_another_picture(kind: str, at: int, noise: bytes) -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    buffer = BytesIO()
    Image.fromarray(np.dstack([4 * x, 4 * y, x ^ y]).astype(np.uint8)).save(buffer, kind)
    data = buffer.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        path.write_bytes(data[:at] + noise + data[at + len(noise) :])
        with contextlib.suppress(DataError):
            assert images.load_image(path, SIDE).shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize(("scale", "top"), [(1 / 255, 1.0), (0.003921568859368563, 1.0), (1.0, 255.0)])
def test_pixels_of_the_official_models_are_shifted_only(scale: float, top: float) -> None:
    values = np.arange(256, dtype=np.float32) / np.float32(255 / top)
    np.testing.assert_array_equal(images.quantize(values, scale, -128), np.arange(256) - 128)


@given(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=1),
    st.floats(0.0009765625, 10, width=32),
    st.integers(-128, 127),
)
def test_quantised_values_are_the_nearest_there_are(
    values: list[float], scale: float, zero_point: int
) -> None:
    quantised = images.quantize(np.array(values, np.float32), scale, zero_point)
    assert quantised.dtype == np.int8
    exact = np.array(values) / scale + zero_point
    inside = (exact >= -128) & (exact <= 127)
    assert (np.abs(quantised - exact)[inside] <= 0.5 + 1e-3).all()
    assert (quantised[exact > 127.5] == 127).all()
    assert (quantised[exact < -128.5] == -128).all()
