"""Small images: decoded from PNG, JPEG or WebP, and quantised. Two tasks need it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import DataError

IMAGE_SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")

_FORMATS = ("JPEG", "PNG", "WEBP")
_PLAIN_MODES = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr"})
_ALPHA_MODES = frozenset({"LA", "PA", "RGBA"})


def load_image(path: Path | str, side: int) -> NDArray[np.uint8]:
    """Decode a square image to RGB, shape (side, side, 3), row by row from the top left.

    Greyscale, palette and CMYK images are converted; an alpha channel is dropped if it hides nothing. Pixels
    are taken as they are stored: no rotation by EXIF, no colour profile.

    Raises:
        DataError: the file is missing, empty, damaged, animated, not an 8-bit image, partly transparent, or
            of another size; its size is looked at before anything is decoded.
    """
    from PIL import Image  # lazy: takes 50 ms, and only images need it

    file = Path(path)
    if not file.is_file():
        raise DataError(f"{file}: no such image", hint="check the path of the data set")
    if file.stat().st_size == 0:
        raise DataError(f"{file}: the file is empty", hint="fetch or copy the data set again")
    try:
        with warnings.catch_warnings():
            # An image that large is refused by its size below; a warning beside the error would be noise.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(file, formats=_FORMATS)
        with image:
            if image.size != (side, side):
                width, height = image.size
                raise DataError(
                    f"{file}: is {width} x {height} pixels, expected {side} x {side}",
                    hint=f"bring every image to {side} x {side} first, all in the same way",
                )
            if getattr(image, "n_frames", 1) != 1:
                raise DataError(f"{file}: is animated", hint="keep one frame of it")
            if image.mode not in _PLAIN_MODES | _ALPHA_MODES:
                raise DataError(
                    f"{file}: pixels of kind {image.mode} are not supported", hint="save it as 8-bit RGB"
                )
            if image.mode not in _ALPHA_MODES and "transparency" not in image.info:
                return np.array(image.convert("RGB"), dtype=np.uint8)
            pixels = np.array(image.convert("RGBA"), dtype=np.uint8)
            if pixels[..., 3].min() < 255:
                raise DataError(f"{file}: is partly transparent", hint="save it without an alpha channel")
            return pixels[..., :3]
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{file}: cannot be decoded ({error})",
            hint="expected PNG, JPEG or WebP; fetch or copy the data set again",
        ) from error


def quantize(values: NDArray[np.floating], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Float features to int8 of the same shape: ``round(values / scale) + zero_point``, limited to [-128,
    127].

    With the zero point -128, and the scale 1 for pixels from 0 to 255 or 1/255 for pixels from 0 to 1, that
    is exactly pixel - 128: the bytes that MLPerf Tiny gives to its models.

    Args:
        values: any shape, features in float.
        scale: step of the model's input tensor.
        zero_point: zero point of the model's input tensor.
    """
    shifted = np.rint(values.astype(np.float32) / np.float32(scale)) + np.float32(zero_point)
    return np.asarray(np.clip(shifted, -128, 127), dtype=np.int8)
