"""Seconds since 1970: `journalctl -o short-unix`."""

from __future__ import annotations

ORDER = 41
PATTERN = r"\d{10}\.\d{3,9}(?=\s)"
EXAMPLES = ("1718092801.123456 host1 kernel: ",)
