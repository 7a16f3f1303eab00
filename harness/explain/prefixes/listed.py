"""Marks of a list and of a diff, the line numbers of `grep -n`, and the prompts of monitors."""

from __future__ import annotations

ORDER = 6
PATTERN = r"[*•-]\s+(?=\S)|\+(?=[\[<A-Za-z ])|\d{1,6}:(?=\s*[^\d\s])|\((?:qemu|gdb|initramfs)\)\s"
EXAMPLES = (
    "* ",
    "- ",
    "+",
    "12:",
    "(qemu) ",
)
