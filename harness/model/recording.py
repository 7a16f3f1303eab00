"""Snapshots to and from JSON: what `--out` keeps and `judge` reads.  Parsed strictly: a recording is evidence."""

from __future__ import annotations

import json

from harness.errors import UsageError
from harness.model import bounded_json, codec
from harness.model.records import Snapshot
from harness.record import asdict

SCHEMA_VERSION = 1


def dump(snapshots: tuple[Snapshot, ...]) -> str:
    record = {"schema_version": SCHEMA_VERSION, "snapshots": [asdict(each) for each in snapshots]}
    return json.dumps(record, indent=1) + "\n"


def load(text: str, source: str) -> tuple[Snapshot, ...]:
    """UsageError names the file and what is wrong in it."""
    try:
        raw = bounded_json.parse(text)
        if raw["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema_version {raw['schema_version']}, expected {SCHEMA_VERSION}")
        snapshots = tuple(_snapshot(each) for each in raw["snapshots"])
        if not snapshots:
            raise ValueError("it holds no snapshot")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{source} is no recording of snapshots: {error}", "see `fusezap run --out DIR`") from error
    return snapshots


def _snapshot(raw: object) -> Snapshot:
    snapshot = codec.decode(Snapshot, raw)
    for task in (*snapshot.tasks, *snapshot.others):
        if len(task.state) != 1:
            raise ValueError(f"state of a Task is {task.state!r}")
    return snapshot
