"""`dmesg -T` and others: a bracket with the time of day, in any language."""

from __future__ import annotations

ORDER = 15
PATTERN = r"\[[^\[\]]{0,48}\d\d:\d\d:\d\d[^\[\]]{0,32}\]:?"
EXAMPLES = (
    "[Mon Mar 28 07:46:40 2022] ",
    "[So Nov 15 16:03:41 2020] ",
    "[四 9月 26 20:15:29 2024] ",
)
