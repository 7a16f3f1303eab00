"""Did the path under test run at all?  Pure: the journal and the armed snapshot decide, never the outcome."""

from __future__ import annotations

from collections.abc import Sequence

from fakefs.journal import Entry
from harness.scenario import HELD_FILE, Exercise


def not_exercised(exercise: Exercise, journal: Sequence[Entry], killed_ns: int) -> str | None:
    """Why the release proves nothing; None when the path ran."""
    if exercise is Exercise.FLUSH_SERVED:
        if any(entry.operation == "flush" and entry.time >= killed_ns for entry in journal):
            return None
        return "the server's journal has no FLUSH from after the kill"
    held = [entry for entry in journal if entry.path == f"/{HELD_FILE}" and entry.event == "replied"]
    before = [entry for entry in held if entry.time < killed_ns]
    if not any(entry.operation == "open" and entry.result == 0 for entry in before):
        return "the file was not open at the kill"
    if any(entry.operation == "flush" for entry in before):
        return "the file had been flushed before the kill"
    return None
