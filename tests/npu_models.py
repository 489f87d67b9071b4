"""Models for NPUs: all of it on the NPU, or with an operator that every Ethos-U leaves to the core."""

from __future__ import annotations

from tflite_builder import RELU, SAME, VALID, Builder

SPLIT_AT = 1
"""Index of the operator of ``split_model`` that no Ethos-U executes."""


def split_model(seed: int = 3) -> bytes:
    """Vela takes windows of an AVERAGE_POOL_2D with padding up to 8x8; here it is 9x9."""
    b = Builder(seed)
    source = b.tensor((1, 12, 12, 3), 0.05, -3)
    x = b.conv(source, 8, (3, 3), activation=RELU)
    x = b.average_pool(x, (9, 9), (1, 1), SAME)
    x = b.conv(x, 4, (12, 12), padding=VALID)
    return b.finish(source, b.softmax(b.reshape(x, (1, 4))))


def nameless_model(seed: int = 3) -> bytes:
    """The same with one name for two tensors, so that names do not tell operators apart."""
    b = Builder(seed)
    source = b.tensor((1, 12, 12, 3), 0.05, -3)
    x = b.conv(source, 8, (3, 3), activation=RELU)
    y = b.average_pool(x, (9, 9), (1, 1), SAME)
    b._graph.tensors[y].name = b._graph.tensors[x].name
    x = b.conv(y, 4, (12, 12), padding=VALID)
    return b.finish(source, b.softmax(b.reshape(x, (1, 4))))
