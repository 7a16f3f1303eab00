"""`dmesg -T` and `-H`, and others: a bracket with the time of day, in any language."""

from __future__ import annotations

ORDER = 15
PATTERN = r"\[[^\[\]]{0,48}\d{1,2}:\d\d:\d\d[^\[\]]{0,32}\]:?|\[[^\W\d]{2,5}\.?\s?\d{1,2} \d\d:\d\d\]"
EXAMPLES = (
    "[Mon Mar 28 07:46:40 2022] ",
    "[Jun11 08:00] ",
    "[6/11/2024 8:00:01 AM] ",
    "[So Nov 15 16:03:41 2020] ",
    "[四 9月 26 20:15:29 2024] ",
)
