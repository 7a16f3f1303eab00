"""Syslog's date of month and day, in any language."""

from __future__ import annotations

ORDER = 30
PATTERN = (
    r"(?:[A-Z\u00c0-\uffff][\w.\u00c0-\uffff]{1,9}\.?\s+\d{1,2}"
    r"|\d{1,2}\.?\s+[^\W\d]{3,9}\.?)\s+(?:\d{4}\s+)?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
)
EXAMPLES = (
    "May 21 10:41:36 ",
    "Mär  3 07:00:01 ",
    "21. Mai 10:41:36 ",
)
