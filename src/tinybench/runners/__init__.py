"""Runners: how a model is executed and measured."""

from tinybench.runners.base import Measurement, Runner, Workload
from tinybench.runners.registry import runner, runner_names, runners

__all__ = ["Measurement", "Runner", "Workload", "runner", "runner_names", "runners"]
