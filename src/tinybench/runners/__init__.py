"""Runners: how a model is executed and measured."""

from tinybench.runners.base import Bench, Measurement, Runner, Setup, Workload
from tinybench.runners.registry import runner, runner_names, runners

__all__ = ["Bench", "Measurement", "Runner", "Setup", "Workload", "runner", "runner_names", "runners"]
