"""A JSON schema as tables: one for the document and one for each of its definitions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.meta.tree import ROOT

Schema = dict[str, Any]


def render(argument: str) -> str:
    """`argument` is the schema's path from the root of the repository and a prefix for the headings' anchors."""
    path, prefix = argument.split()
    schema: Schema = json.loads((ROOT / path).read_text())
    parts = [f"{schema.get('description', '')} The schema is the file `{path}`.".strip(), _table(schema, prefix)]
    for name, definition in schema.get("$defs", {}).items():
        parts.append(f"### {name} {{ #{prefix}-{name} }}")
        if text := definition.get("description"):
            parts.append(f"{text}.")
        parts.append(_table(definition, prefix) if "properties" in definition else _type(definition, prefix))
    return "\n\n".join(parts)


def _table(schema: Schema, prefix: str) -> str:
    lines = ["| field | type | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {words} |" for name, kind, words in _rows(schema, prefix, "")]
    return "\n".join(lines)


def _rows(schema: Schema, prefix: str, below: str) -> Iterator[tuple[str, str, str]]:
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        optional = "" if name in required else "optional; "
        yield f"{below}{name}", _type(field, prefix), f"{optional}{field.get('description', '')}".rstrip("; ")
        for inner in (field.get("items", field), *field.get("anyOf", ())):
            yield from _rows(inner, prefix, f"{below}{name}{'[]' if 'items' in field else ''}.")


def _type(schema: Schema, prefix: str) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{prefix}-{name})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_type(each, prefix) for each in schema[several])
    if "items" in schema:
        return f"array of {_type(schema['items'], prefix)}"
    kind = schema.get("type", "any")
    return kind if isinstance(kind, str) else " or ".join(kind)
