"""Snapshots to and from JSON: what `--out` keeps and `judge` reads.  Parsed strictly: a recording is evidence."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

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
    values = dict(raw)
    for name, kind in _RECORDS.items():
        if name in values:
            values[name] = tuple(_record(kind, each) for each in _listed(values[name]))
    found: Snapshot = _record(Snapshot, values)
    return found


def _record(kind: Any, raw: dict[str, Any]) -> Any:
    hints = get_type_hints(kind)
    values = {}
    for name, value in raw.items():
        if name not in hints:
            raise ValueError(f"unknown field {name!r} of a {kind.__name__}")
        values[name] = tuple(value) if isinstance(value, list) else value
        if not _fits(values[name], hints[name]):
            raise ValueError(f"{name} of a {kind.__name__} is {value!r}")
    if kind is Task and len(values["state"]) != 1:
        raise ValueError(f"state of a Task is {values['state']!r}")
    return kind(**values)


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is of type {type(value).__name__}, not a list")
    return value


def _fits(value: Any, hint: Any) -> bool:
    """For the types that the records have: int, str, bool, records, None, and homogeneous tuples of these."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in get_args(hint))
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(each, get_args(hint)[0]) for each in value)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
