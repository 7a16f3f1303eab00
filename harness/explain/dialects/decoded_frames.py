"""Stacks with source lines: syzbot's `f fs/fuse/dev.c:1 [inline]`, decode_stacktrace.sh's `f (fs/fuse/dev.c:1)`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 110
MARKS = (
    ".c:",
    ".h:",
    ".S:",
)
SUMMARY = "frames with file and line: syzbot, decode_stacktrace.sh"
HINT = r"\.[chSs]:\d+"

_DECODED = re.compile(
    r"^(?:\[<[0-9a-fx]+>\]\s+)?(\?\s+)?([A-Za-z_][\w.$]*)(?:\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?)?\s+"
    r"\(?(?:\./|\.\./|/[\w./+-]{0,200}/)?((?:[\w.+-]+/)*[\w.+-]+\.[chSs]):\d+(?::\d+)?(?:\s+\(discriminator \d+\))?\)?"
    r"(?:\s*\(discriminator \d+\))?(?:\s+\[?([\w-]+)\]?)?"
)


def read(text: str, builder: Builder) -> bool:
    found = _DECODED.match(text)
    if found is None:
        return False
    guess, name, _, module = found.groups()
    builder.frame("decoded-frames", name, "" if module in (None, "inline") else module, bool(guess))
    return True
