"""The exported JSON Schema is current and says what the models say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tinybench.results.schema import SCHEMA, json_schema, json_schema_bytes


def test_export_is_current(repository: Path) -> None:
    exported = repository / "site/docs/schema" / f"{SCHEMA.replace('/', '-')}.json"
    assert exported.read_bytes() == json_schema_bytes(), "run 'make schema'"


def test_schema_accepts_a_result(document: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(document, json_schema())


@pytest.mark.parametrize(
    "change", [{"surprise": 1}, {"schema": "tinybench.result/1"}, {"id": "x"}, {"metrics": {}}]
)
def test_schema_refuses_what_the_models_refuse(document: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | change, json_schema())


def test_every_field_is_required(document: dict[str, Any]) -> None:
    for key in document:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({k: v for k, v in document.items() if k != key}, json_schema())


def test_schema_is_plain_json() -> None:
    assert json.loads(json_schema_bytes()) == json_schema()
