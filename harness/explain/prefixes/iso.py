"""ISO 8601 times."""

from __future__ import annotations

ORDER = 35
PATTERN = (
    r"(?:[^\W\d]{1,4}\.?\s)?\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r"(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d))?(?:\s(?:UTC|GMT|[A-Z]{1,3}T))?\]?:?(?=\s|$)"
)
EXAMPLES = (
    "2024-06-11T08:00:01.123456+00:00 ",
    "2016-07-31 16:26:53 +0000 UTC ",
    "2023-01-02 03:04:05,678 ",
    "Di 2024-06-11 08:00:01 CEST host1 kernel: ",
)
