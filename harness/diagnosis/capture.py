"""Raw readings to and from JSON: what `diagnose --capture` keeps and `judge` reads elsewhere.

They hold no arguments and no environment, for these are never read.  What many suspects share, such as a task outside
of them all, is written once: snapshots name it by its place in `records`.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

from harness.diagnosis.records import TAKEN, Reading, Readings
from harness.errors import UsageError
from harness.model import bounded_json, codec
from harness.model.memory import KernelMemory
from harness.model.records import Claim, Connection, Device, Mount, Snapshot, Task

SCHEMA_VERSION = 1
_SHARED: dict[str, type] = {
    "tasks": Task,
    "others": Task,
    "devices": Device,
    "connections": Connection,
    "mounts": Mount,
    "claims": Claim,
}
"""Fields of a snapshot whose records other snapshots have too."""


def dump(readings: Readings) -> str:
    records: dict[str, dict[object, int]] = {kind.__name__: {} for kind in _SHARED.values()}
    memories: dict[KernelMemory, int] = {}
    bare = replace(readings, readings=())
    raw = {
        **codec.encode(bare),
        "readings": [_folded(reading, records, memories) for reading in readings.readings],
        "records": {kind: codec.encode(list(found)) for kind, found in records.items()},
        "memories": codec.encode(list(memories)),
    }
    return json.dumps({"schema_version": SCHEMA_VERSION, "capture": raw}, separators=(",", ":")) + "\n"


def _folded(
    reading: Reading, records: dict[str, dict[object, int]], memories: dict[KernelMemory, int]
) -> dict[str, Any]:
    raw: dict[str, Any] = codec.encode(replace(reading, snapshots=()))
    raw["snapshots"] = []
    for snapshot in reading.snapshots:
        emptied: dict[str, Any] = dict.fromkeys(_SHARED, ())
        bare = codec.encode(replace(snapshot, memory=None, **emptied))
        if snapshot.memory is not None:
            bare["memory"] = memories.setdefault(snapshot.memory, len(memories))
        for field, kind in _SHARED.items():
            places = records[kind.__name__]
            bare[field] = [places.setdefault(each, len(places)) for each in getattr(snapshot, field)]
        raw["snapshots"].append(bare)
    return raw


def _unfolded(raw: dict[str, Any]) -> Readings:
    """ValueError, KeyError or TypeError where it is not what `dump` writes."""
    records = {kind: _decoded(kind, raw["records"][kind.__name__]) for kind in _SHARED.values()}
    memories = _decoded(KernelMemory, raw.get("memories", []))
    readings = tuple(_reading(each, records, memories) for each in raw["readings"])
    rest = {key: value for key, value in raw.items() if key not in ("records", "memories")}
    return replace(codec.decode(Readings, {**rest, "readings": []}), readings=readings)


def _decoded(kind: type, raw: list[Any]) -> list[Any]:
    return [codec.decode(kind, each) for each in raw]


def _reading(raw: dict[str, Any], records: dict[type, list[Any]], memories: list[KernelMemory]) -> Reading:
    snapshots = []
    for each in raw["snapshots"]:
        bare = codec.decode(Snapshot, {**each, "memory": None, **{field: [] for field in _SHARED}})
        found: dict[str, Any] = {
            field: tuple(_at(place, records[kind]) for place in each[field]) for field, kind in _SHARED.items()
        }
        if "memory" in each:
            found["memory"] = _at(each["memory"], memories)
        snapshots.append(replace(bare, **found))
    if not snapshots:
        raise ValueError("a Reading holds no snapshot")
    return replace(codec.decode(Reading, {**raw, "snapshots": []}), snapshots=tuple(snapshots))


def _at(place: object, records: list[Any]) -> Any:
    if not isinstance(place, int) or not 0 <= place < len(records):
        raise ValueError(f"there is no record {place!r}, of {len(records)}")
    return records[place]


def is_capture(text: str) -> bool:
    """Told from a recording of snapshots, and from anything else."""
    try:
        raw = bounded_json.parse(text)
    except ValueError:
        return False
    return isinstance(raw, dict) and "capture" in raw


def load(text: str, source: str) -> Readings:
    """UsageError names the file and what is wrong in it."""
    try:
        raw: Any = bounded_json.parse(text)
        if raw["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema_version {raw['schema_version']}, expected {SCHEMA_VERSION}")
        readings = _unfolded(raw["capture"])
        time.strptime(readings.taken, TAKEN)
        return readings
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{source} is no capture: {error}", "see `fusezap diagnose --capture FILE`") from error
