"""Other orders of a date, with the month in digits or in words of any language, before a time of day."""

from __future__ import annotations

ORDER = 33
PATTERN = (
    r"(?:\d{1,2}[./]\d{1,2}[./]\d{4}|\d{1,2}\.? (?:de )?[^\W\d]{3,12}\.?(?: de)?)\s+\d{1,2}:\d\d:\d\d(?:\s[AP]M)?(?=\s)"
)
EXAMPLES = (
    "11.06.2024 08:00:01 ",
    "6/11/2024 8:00:01 AM ",
    "11 de junho 08:00:01 ",
)
