"""Example of a tinybench plug-in: a runner that predicts latency from a description of an NPU."""
