"""What a measurement uses if nobody says otherwise: one place for the Python API and the command line."""

from __future__ import annotations

from typing import Final

RUNNER: Final = "tflm-sim"
RESULTS_FOLDER: Final = "results"
CHECKED_INPUTS: Final = 8
"""Inputs that the simulated core executes and compares bit for bit."""
