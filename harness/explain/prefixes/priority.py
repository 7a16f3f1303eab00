"""The level as a number: serial consoles, pstore, RFC 3164 and 5424."""

from __future__ import annotations

ORDER = 20
PATTERN = r"<\d{1,3}>(?:\d\s+(?=\d{4}-))?"
EXAMPLES = (
    "<6>",
    "<4>[   12.345678] ",
    "<30>1 2024-06-11T08:00:01Z ",
)
