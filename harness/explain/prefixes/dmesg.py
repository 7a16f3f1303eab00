"""dmesg's time since boot, with the task or CPU that printed it, and `dmesg -d`."""

from __future__ import annotations

ORDER = 10
PATTERN = r"\[\s*(?:<\s*)?[+-]?\s*\d+\.\d{2,9}\s*(?:>\s*)?\]|\[\s*[TC]\d+\]|\[\s*\d+\.\d{6}\s+<\s*[\d.]+>\]"
EXAMPLES = (
    "[ 1088.614314] ",
    "[  +0.000004] ",
    "[96339.352688][   T38] ",
)
