"""Raw readings to and from JSON: what `diagnose --capture` keeps and `judge` reads elsewhere.

They hold no arguments and no environment, for these are never read.
"""

from __future__ import annotations

import json
from typing import Any

from harness import codec
from harness.diagnosis.records import Readings
from harness.errors import UsageError

SCHEMA_VERSION = 1


def dump(readings: Readings) -> str:
    return json.dumps({"schema_version": SCHEMA_VERSION, "capture": codec.encode(readings)}, indent=1) + "\n"


def is_capture(text: str) -> bool:
    """Told from a recording of snapshots, and from anything else."""
    try:
        raw = json.loads(text)
    except ValueError:
        return False
    return isinstance(raw, dict) and "capture" in raw


def load(text: str, source: str) -> Readings:
    """UsageError names the file and what is wrong in it."""
    try:
        raw: Any = json.loads(text)
        if raw["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema_version {raw['schema_version']}, expected {SCHEMA_VERSION}")
        readings = codec.decode(Readings, raw["capture"])
        if not all(reading.snapshots for reading in readings.readings):
            raise ValueError("a Reading holds no snapshot")
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{source} is no capture: {error}", "see `fusezap diagnose --capture FILE`") from error
    return readings
