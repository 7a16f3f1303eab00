"""/proc/PID/status and /proc/PID/stat: a task's name, state, parent and tracer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 60
MARKS = (
    "State:",
    "Tgid:",
    "Pid:",
    ") D ",
)
SUMMARY = "/proc/PID/status and /proc/PID/stat"
HINT = r"^(?:Name|State|Tgid|Pid|PPid|TracerPid):\s|^\d+ \(.{1,32}\) [RSDTtXZI] \d"

_FIELD = re.compile(r"^(Name|State|Tgid|Pid|PPid|TracerPid):\s+(.+)$")
_STAT = re.compile(r"^(\d+) \((.{1,32})\) ([RSDTtXZI]) (\d+) \d+ \d+ -?\d+ -?\d+ \d+")


def read(text: str, builder: Builder) -> bool:
    found = _STAT.match(text)
    if found is not None:
        builder.task("proc-status", pid=int(found[1]), comm=found[2], state=found[3], ppid=int(found[4]))
        return True
    found = _FIELD.match(text)
    if found is None:
        return False
    name, value = found[1], found[2].strip()
    if name == "Name":
        builder.task("proc-status", comm=value)
    elif name == "State":
        builder.status(value[:1])
    elif value.isdigit() and len(value) < 9:
        if name == "Pid":
            builder.also(pid=int(value))
        elif name == "Tgid":
            builder.also(tgid=int(value))
        elif name == "PPid":
            builder.also(ppid=int(value))
        elif name == "TracerPid" and int(value):
            builder.traced(int(value))
    return True
