"""Fixtures of the contract tests: the simulator against published results, once per session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinybench import specs
from tinybench.validation.compare import Validation, validate
from tinybench.validation.published import read_published


@pytest.fixture(scope="session")
def validation(shared_data: Path) -> Validation:
    """Every published CMSIS-NN row whose board has a profile; other engines are left out to save time."""
    rows = [row for row in read_published() if row.role != "context"]
    return validate(rows, shared_data / "mlperf_models", specs.devices())
