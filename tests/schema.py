"""Validation against a JSON schema that is checked itself once, and not for every document."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema


@cache
def _validator(text: str) -> Any:
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def validate(document: object, schema: Path) -> None:
    """Check a document against the schema in a file.

    Args:
        document: A value as json.loads() returns it.
        schema: The file.

    Raises:
        jsonschema.ValidationError: The document does not follow the schema.
        jsonschema.SchemaError: The file is no schema of draft 2020-12.
    """
    _validator(schema.read_text(encoding="utf-8")).validate(document)
