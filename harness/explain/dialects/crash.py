"""The crash utility: `bt`, `foreach UN bt`, `ps`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 45
MARKS = (
    "TASK: ",
    " at ffff",
    " UN ",
)
SUMMARY = "crash: bt, foreach UN bt, ps"
HINT = r"PID:\s*\d+\s+TASK:|#\d+ \[[0-9a-f]{8,16}\]|\s(?:UN|ZO|TR|ST)\s+[\d.]+\s"

_HEADER = re.compile(r"PID:\s*(\d+)\s+TASK:\s*[0-9a-f]+\s+CPU:\s*\d+\s+COMMAND:\s*\"(.{1,32}?)\"")
_FRAME = re.compile(
    r"#\d+ \[[0-9a-f]{8,16}\] ([A-Za-z_][\w.$]*)(?:\+0?x?[0-9a-f]+)? at [0-9a-f]{8,16}(?: \[([\w-]+)\])?"
)
_PS = re.compile(r"^>?\s*(\d+)\s+(\d+)\s+\d+\s+[0-9a-f]{8,16}\s+(UN|ZO|TR|ST)\s+[\d.]+\s+\d+\s+\d+\s+(\S.*)$")
_STATES = {"UN": "D", "ZO": "Z", "TR": "t", "ST": "T"}


def read(text: str, builder: Builder) -> bool:
    found = _HEADER.search(text)
    if found is not None:
        builder.task("crash", pid=int(found[1]), comm=found[2])
        return True
    found = _FRAME.search(text)
    if found is not None:
        builder.frame("crash", found[1], found[2] or "")
        return True
    found = _PS.match(text)
    if found is not None:
        builder.task("crash", pid=int(found[1]), ppid=int(found[2]), state=_STATES[found[3]], comm=found[4].strip("[]"))
        builder.end_header()
        return True
    return False
