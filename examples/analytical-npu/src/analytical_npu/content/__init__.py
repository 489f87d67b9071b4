"""Devices of this package: ``runners/devices/*.toml`` in this folder."""

from pathlib import Path

interface = 1
root = Path(__file__).resolve().parent
