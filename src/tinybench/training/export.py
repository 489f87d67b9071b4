"""From a Keras model to a .tflite file that is int8 throughout, with the operators of MLPerf Tiny's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import DataError
from tinybench.training.fitting import Floats, tensorflow

__all__ = ["calibration_indices", "export_int8"]


def calibration_indices(labels: NDArray[np.int64], names: Sequence[str], per_class: int) -> NDArray[np.int64]:
    """Indices of the calibration set: ``per_class`` samples of each class, evenly spaced in the list.

    Args:
        labels: class of each sample, (n,).
        names: of the classes.
        per_class: how many of each; all of them where there are fewer.

    Raises:
        DataError: a class has no sample.
    """
    picked = []
    for label, name in enumerate(names):
        own = np.flatnonzero(labels == label)
        if own.shape[0] == 0:
            raise DataError(f"no sample of class '{name}' to train on", hint="check the training data")
        picked.append(own[np.linspace(0, own.shape[0] - 1, min(per_class, own.shape[0])).astype(int)])
    return np.concatenate(picked)


def export_int8(model: Any, calibration: Floats) -> bytes:
    """Post-training quantisation to a fully int8 .tflite with a fixed batch of 1.

    Args:
        model: Keras model with one input and one output; what follows its global average pool is a chain.
        calibration: inputs (n, *input shape) that set the ranges.
    """
    tf = tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = tf.function(
        _with_pool_of_fixed_size(model),
        input_signature=[tf.TensorSpec((None, *calibration.shape[1:]), tf.float32, name="input")],
    )
    # Variables have to be constants before calibration, which runs the graph without their initialisers.
    frozen = convert_variables_to_constants_v2(signature.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[None]] for x in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    # One scale for the dense layer, as in the MLPerf Tiny models; arm_fully_connected_s8 knows no other.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return _fix_batch(bytes(converter.convert()))


def _with_pool_of_fixed_size(model: Any) -> Any:
    """The model as a function, with a plain average pool and reshape in place of its global average pool.

    These are what the MLPerf Tiny models have; a GlobalAveragePooling2D would become a MEAN, and a Flatten of
    Keras 3 asks for the batch at run time (SHAPE, STRIDED_SLICE, PACK).
    """
    tf = tensorflow()
    at = [isinstance(layer, tf.keras.layers.GlobalAveragePooling2D) for layer in model.layers]
    if not any(at):
        return lambda x: model(x, training=False)
    pool = model.layers[at.index(True)]
    body, head = tf.keras.Model(model.input, pool.input, name="body"), model.layers[at.index(True) + 1 :]

    def forward(x: Any) -> Any:
        x = body(x, training=False)
        x = tf.nn.avg_pool2d(x, x.shape[1:3], strides=1, padding="VALID")
        x = tf.reshape(x, (-1, x.shape[-1]))
        for layer in head:
            x = layer(x, training=False)
        return x

    return forward


def _fix_batch(content: bytes) -> bytes:
    """Make the batch of a converted model 1 for good.

    Converting with a fixed batch would drop the RESHAPE that the MLPerf Tiny models have; converting with an
    open one and then removing the open dimension from the tensors keeps it. The tensors are stored with
    batch 1 already.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(content)
    for tensor in model.subgraphs[0].tensors:
        tensor.shapeSignature = None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
