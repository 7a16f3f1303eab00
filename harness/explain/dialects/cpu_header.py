"""A CPU's task: `CPU: 3 PID: 123 Comm: cifsd Not tainted 5.4.0` of a soft lockup, an oops, an RCU stall, lockdep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 25
MARKS = (
    "Comm: ",
    "comm: ",
    "soft lockup",
    "IP: ",
    "PC is at",
    "pc : ",
)
SUMMARY = "CPU: N PID: N Comm: NAME …, and the function in RIP:"
HINT = (
    r"PID: \d+ (?:UID: \d+ )?Comm: |Pid: \d+, comm: |soft lockup - CPU|(?:RIP|EIP): |(?:PC|pc) (?:is at|:) "
    r"|rcu_?\w* kthread|NMI backtrace|Task dump for CPU"
)

_HEADER = re.compile(
    r"(?:CPU: \d+ )?P[Ii][Dd]: (\d+),? (?:UID: \d+ )?[Cc]omm: (.{1,32}?) (?:Kdump: loaded )?(?:[Nn]ot tainted"
    r"|[Tt]ainted)"
)
_SOFT = re.compile(r"soft lockup - CPU#\d+ stuck for \d+s! \[(.{1,32}):(\d+)\]")
_AT = re.compile(
    r"(?:RIP|EIP|PC|pc)(?: is at)?\s*:?\s*(?:00(?:10"
    r"|60):)?(?:\[<[0-9a-f]+>\]\s*)*([A-Za-z_][\w.$]*)\+0x[0-9a-f]+/0x[0-9a-f]+(?:\s+\[([\w-]+)[^\]]*\])?"
)
_TAINT = re.compile(r"[Tt]ainted.{0,80}?\s([2-9]\.\d{1,2}\.\d+[\w.+~-]*)")


def read(text: str, builder: Builder) -> bool:
    found = _SOFT.search(text)
    if found is not None:
        from harness.explain.dialects import messages

        builder.task("cpu-header", comm=found[1], pid=int(found[2]), state="R")
        messages.read(text, builder)
        return True
    found = _HEADER.search(text)
    if found is not None:
        builder.task("cpu-header", pid=int(found[1]), comm=found[2].strip(), state="R")
        release = _TAINT.search(text)
        if release is not None and not builder.kernel:
            builder.kernel = release[1]
        return True
    found = _AT.search(text)
    if found is not None:
        builder.runs("cpu-header", found[1], found[2] or "")
        return True
    return False
