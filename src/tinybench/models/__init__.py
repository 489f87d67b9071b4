"""Reading .tflite models: graph, shapes, MACs and quantisation."""

from tinybench.models.graph import Model, Operator, Quantization, Tensor

__all__ = ["Model", "Operator", "Quantization", "Tensor"]
