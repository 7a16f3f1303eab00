"""Snapshots to and from JSON: what `--out` keeps and `judge` reads.  Parsed strictly: a recording is evidence."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from harness.errors import UsageError
from harness.model import Claim, Connection, Device, InFlight, Mount, Snapshot, Task

SCHEMA_VERSION = 1
_RECORDS = {
    "tasks": Task,
    "others": Task,
    "devices": Device,
    "in_flight": InFlight,
    "connections": Connection,
    "mounts": Mount,
    "claims": Claim,
}


def dump(snapshots: tuple[Snapshot, ...]) -> str:
    record = {"schema_version": SCHEMA_VERSION, "snapshots": [asdict(each) for each in snapshots]}
    return json.dumps(record, indent=1) + "\n"


def load(text: str, source: str) -> tuple[Snapshot, ...]:
    """UsageError names the file and what is wrong in it."""
    try:
        raw = json.loads(text)
        if raw["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema_version {raw['schema_version']}, expected {SCHEMA_VERSION}")
        snapshots = tuple(_snapshot(each) for each in raw["snapshots"])
        if not snapshots:
            raise ValueError("it holds no snapshot")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{source} is no recording of snapshots: {error}", "see `fusezap run --out DIR`") from error
    return snapshots


def _snapshot(raw: dict[str, Any]) -> Snapshot:
    values: dict[str, Any] = {}
    for name, value in raw.items():
        if name in _RECORDS:
            values[name] = tuple(_record(_RECORDS[name], each) for each in value)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return Snapshot(**values)


def _record(kind: Any, raw: dict[str, Any]) -> Any:
    unknown = raw.keys() - {each.name for each in fields(kind)}
    if unknown:
        raise ValueError(f"unknown field {sorted(unknown)[0]!r} of a {kind.__name__}")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()})
