"""The line before a stack up to 5.9: `NAME D ffff88009450ad00 0 1465 1440 0x00000184`; no address from 4.9 on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 40
MARKS = (
    " 0x",
    "PC stack",
)
SUMMARY = "NAME D [ffff…] 0 PID PPID 0xFLAGS (sysrq-w, sysrq-t, hung tasks before 5.10)"
HINT = r"\s[RSDTtXZPIKW](?:\s|\d).{0,120}\s0x[0-9a-f]{4,8}\b|PC stack\s+pid father"

_HEADER = re.compile(
    r"^(\S.{0,40}?)\s+([RSDTtXZPIKW])\s*(?:running "
    r"task\s+)?(?:\(?\bNOTLB\)?\s+)?(?:[0-9a-fA-F]{8}(?:[0-9a-fA-F]{8})?\s+)?(\d+)\s+(\d+)\s+(\d+)\s+0x[0-9a-f]{4,8}\b"
)
_TAIL = re.compile(
    r"(\S{1,16})\s+([RSDTtXZPIKW])\s*(?:running "
    r"task\s+)?(?:[0-9a-fA-F]{8}(?:[0-9a-fA-F]{8})?\s+)?(\d+)\s+(\d+)\s+(\d+)\s+0x[0-9a-f]{4,8}\b"
)


def read(text: str, builder: Builder) -> bool:
    if "PC stack" in text:
        builder.met("task-header-old")
        return True
    found = _HEADER.match(text)
    if found is None or len(found[1]) > 24:
        found = _TAIL.search(text)
    if found is None:
        return False
    comm, state, _, pid, ppid = found.groups()
    builder.task("task-header-old", comm=comm.rstrip(), state=state, pid=int(pid), ppid=int(ppid))
    return True
