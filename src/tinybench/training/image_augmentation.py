"""Image augmentation for the vision recipes, in NumPy and Pillow: batches of uint8 (n, height, width, 3)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["colour_jitter", "crop_and_flip", "random_resized_crop"]

Images = NDArray[np.uint8]
_CHUNK_IMAGES = 256
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Share of red, green and blue in grey, ITU-R BT.601."""


def crop_and_flip(images: Images, rng: np.random.Generator, *, side: int, margin: int) -> Images:
    """A random square of each image, and half of them mirrored: (n, height, width, 3) to (n, side, side, 3).

    The square may reach over the edges by up to ``margin`` pixels, where there are zeros.
    """
    count, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    top = rng.integers(height + 2 * margin - side + 1, size=count)
    left = rng.integers(width + 2 * margin - side + 1, size=count)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    return _flip(windows[np.arange(count), top, left].transpose(0, 2, 3, 1), rng)


def random_resized_crop(
    images: Images, rng: np.random.Generator, *, side: int, least_area: float, largest_aspect: float
) -> Images:
    """Bring a random part of each image to (side, side, 3), and mirror half of them.

    Args:
        images: uint8 (n, height, width, 3).
        rng: draws the parts.
        side: of the images that come out, in pixels.
        least_area: smallest share of the area that is kept.
        largest_aspect: most that the part's sides differ in scale, as a factor.
    """
    from PIL import Image

    count, height, width, _ = images.shape
    area = rng.uniform(least_area, 1.0, count)
    aspect = np.exp(rng.uniform(-math.log(largest_aspect), math.log(largest_aspect), count))
    across = np.minimum(np.sqrt(area * aspect), 1.0) * width
    down = np.minimum(np.sqrt(area / aspect), 1.0) * height
    left = rng.random(count) * (width - across)
    top = rng.random(count) * (height - down)
    out: Images = np.empty((count, side, side, 3), dtype=np.uint8)
    for i, image in enumerate(images):
        box = (left[i], top[i], left[i] + across[i], top[i] + down[i])
        resized = Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR, box=box)
        out[i] = np.asarray(resized)
    return _flip(out, rng)


def colour_jitter(
    images: Images,
    rng: np.random.Generator,
    *,
    brightness: float,
    contrast: float,
    saturation: float,
    tint: float,
    grey_probability: float,
) -> Images:
    """Random brightness, contrast, saturation and colour of the light; some images lose their colour.

    Args:
        images: uint8 (n, height, width, 3).
        rng: draws the changes.
        brightness: largest relative change of all values.
        contrast: largest relative change of the distance from the image's mean grey.
        saturation: largest relative change of the distance from each pixel's grey.
        tint: largest relative change of one channel.
        grey_probability: share of the images that become grey.
    """
    count = images.shape[0]

    def around_one(spread: float, channels: int = 1) -> NDArray[np.float32]:
        return (1 + rng.uniform(-spread, spread, (count, 1, channels))).astype(np.float32)

    gain = around_one(brightness) * around_one(tint, 3)
    colour, distance = around_one(saturation), around_one(contrast)
    colour[rng.random(count) < grey_probability] = 0.0
    # Pixels are rows: each step is a 3 x 3 matrix, and contrast also moves towards the mean grey.
    to_grey = np.repeat(LUMA[:, None], 3, axis=1)
    mix = gain.swapaxes(1, 2) * (colour * np.eye(3, dtype=np.float32) + (1 - colour) * to_grey)
    out = np.empty_like(images)
    for start in range(0, count, _CHUNK_IMAGES):
        part = slice(start, start + _CHUNK_IMAGES)
        pixels = images[part].reshape(-1, images[0].size // 3, 3).astype(np.float32) @ mix[part]
        grey = (pixels.mean(axis=1, keepdims=True) @ to_grey) * (1 - distance[part])
        changed = pixels * distance[part] + grey
        out[part] = np.clip(np.rint(changed), 0, 255).reshape(images[part].shape)
    return out


def _flip(images: Images, rng: np.random.Generator) -> Images:
    mirrored = np.less(rng.random(images.shape[0]), 0.5)
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
