"""Did the path under test run at all?  Pure: the journal and the armed snapshot decide, never the outcome."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from fakefs.journal import Entry
from harness.scenario import Exercise


def not_exercised(exercise: Exercise, path: str, journal: Sequence[Entry], killed_ns: int) -> str | None:
    """Why the release proves nothing; None when the path ran.  `path`: the file that is held or called upon."""
    if exercise is Exercise.ARMED:
        return None
    if exercise is Exercise.REQUEST_HELD:
        if any(entry.event == "held" and entry.time < killed_ns for entry in journal):
            return None
        return "the server held no request back before the kill"
    if exercise is Exercise.FLUSH_UNKNOWN:
        if any(e.operation == "flush" and e.result == -errno.ENOSYS and e.time < killed_ns for e in journal):
            return None
        return "no FLUSH was answered with ENOSYS before the kill"
    if exercise is Exercise.EXECUTED:
        if any(entry.operation == "flush" and entry.result == 0 for entry in journal):
            return None
        return "the server's journal has no FLUSH of a program"
    if exercise is Exercise.FLUSH_SERVED:
        if any(entry.operation == "flush" and entry.time >= killed_ns for entry in journal):
            return None
        return "the server's journal has no FLUSH from after the kill"
    held = [entry for entry in journal if entry.path == path and entry.event == "replied"]
    before = [entry for entry in held if entry.time < killed_ns]
    if not any(entry.operation in ("open", "opendir") and entry.result == 0 for entry in before):
        return "the file was not open at the kill"
    if any(entry.operation == "flush" for entry in before):
        return "the file had been flushed before the kill"
    return None
