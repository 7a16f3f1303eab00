"""Stack frames as the kernel prints them: `[<0>] f.part.0+0x1/0x2 [fuse 0123abcd]`, `? guess+0x1/0x2`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 900
MARKS = ("+0x",)
SUMMARY = "frames with offset and size: dmesg, /proc/PID/stack, every architecture"
HINT = r"\+0x[0-9a-fA-F]"

FRAME = re.compile(
    r"(\?\s+)?(?<![\w$])(?<!\w\.)([A-Za-z_][\w$]*(?:\.[\w$]+)*)\+0x[0-9a-fA-F]+/0x[0-9a-fA-F]+(?:\s+\[([\w-]+)[^\]]{0,80}\])?(\s+\(unreliable\))?"
)
NOT_A_FRAME = re.compile(
    r"\b(?:[RE]IP|NIP|LR|PC|pc|lr|epc|ra)\b ?(?:is at|:|\[)|\bat: |^\s*#\d|Workqueue|Comm:|\bfrom\b|last "
    r"(?:enabled|disabled) at|caller is"
)


def read(text: str, builder: Builder) -> bool:
    found = FRAME.findall(text)
    for guess, name, module, unreliable in found:
        builder.frame("frames", name, module, bool(guess or unreliable))
    return bool(found)
