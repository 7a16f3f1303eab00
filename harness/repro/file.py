"""A file of a reproducer."""

from __future__ import annotations

from harness.record import record


@record(frozen=True, slots=True)
class File:
    name: str
    text: str
    executable: bool = False
