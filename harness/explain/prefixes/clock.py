"""A time of day alone."""

from __future__ import annotations

ORDER = 40
PATTERN = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?=\s)"
EXAMPLES = (
    "10:41:36 ",
    "10:41:36.123456 ",
)
