"""The parts of a record in pstore."""

from __future__ import annotations

ORDER = 60
PATTERN = r"(?:Panic|Oops|Emergency|Shutdown)#\d+ Part\d+(?=\s*(?:$|<|\[))"
EXAMPLES = ("Panic#1 Part1",)
