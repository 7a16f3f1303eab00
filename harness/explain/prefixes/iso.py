"""ISO 8601 times."""

from __future__ import annotations

ORDER = 35
PATTERN = (
    r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r"(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d))?(?:\sUTC)?\]?:?(?=\s|$)"
)
EXAMPLES = (
    "2024-06-11T08:00:01.123456+00:00 ",
    "2016-07-31 16:26:53 +0000 UTC ",
    "2023-01-02 03:04:05,678 ",
)
