"""Syslog's date of month and day, in any language."""

from __future__ import annotations

ORDER = 30
PATTERN = (
    r"(?:[A-Z][a-z]{2} (?=[A-Z][a-z]{2} ))?(?:(?:[^\W\d_]|\d{1,2}(?=月))[\w.]{1,9}\s+\d{1,2}"
    r"|\d{1,2}\.?\s+[^\W\d]{3,9}\.?)\s+(?:\d{4}\s+)?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:\s\d{4}(?=\s))?"
)
EXAMPLES = (
    "May 21 10:41:36 ",
    "Mär  3 07:00:01 ",
    "21. Mai 10:41:36 ",
    "6月 11 08:00:01 ",
    "juin 11 08:00:01 ",
    "Tue Jun 11 08:00:01 2024 ",
)
