"""The hung task detector's message, and the lock's owner that it names from 6.15 on (kernel/hung_task.c)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.explain import lines

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 20
SURE = ("INFO: task ", "disables this message.")
MARKS = (
    "blocked",
    "hung_task_timeout",
    "hung task",
)
SUMMARY = "INFO: task NAME:PID blocked for more than N seconds"
HINT = r"blocked|hung_task_timeout_secs|hung task"

_BLOCKED = re.compile(r"INFO: task (.{1,64}):(\d+)\s+blocked (?:in I/O wait )?for more than (\d+) seconds")
_OWNER = re.compile(
    r"task (.{1,64}):(\d+)\s+(?:is )?blocked on an? (mutex|semaphore|rw-semaphore)[\w -]*?(?:likely (?:last "
    r")?(?:owned|held)|owned) by (?:writer |reader )?(?:task )?(.{1,64}):(\d+)"
)


def quick(raw: str, builder: Builder) -> bool:
    if "disables this message." in raw and "hung_task_timeout_secs" in raw:
        builder.from_origin(lines.caller(raw))
        return True
    if "INFO: task " not in raw or not lines.plain(raw):
        return False
    builder.from_origin(lines.caller(raw))
    return read(raw, builder)


def read(text: str, builder: Builder) -> bool:
    found = _OWNER.search(text) if "blocked on" in text else None
    if found is not None:
        builder.met("hung-task")
        builder.also(owner=(found[4], int(found[5])))
        return True
    found = _BLOCKED.search(text) if "blocked" in text else None
    if found is not None:
        builder.task("hung-task", comm=found[1], pid=int(found[2]), blocked_s=int(found[3]), state="D")
        return True
    return "hung_task_timeout_secs" in text or "Future hung task reports are suppressed" in text
