"""The line before a stack from 5.10 on, `task:NAME state:D stack:0 pid:…`: sched_show_task(), kernel/sched/core.c."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.explain import lines

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 30
SURE = (" state:",)
MARKS = ("state:",)
SUMMARY = "task:NAME state:D stack:0 pid:1 tgid:1 ppid:1 task_flags:… flags:…"
HINT = r"task:.*state:"

_HEADER = re.compile(
    r"task:(.{1,64}?)\s+state:\s?(\S)(?:\s+running "
    r"task)?(?:\s+stack:\s*\d+)?(?:\s+pid:\s*(\d+))?(?:\s+tgid:\s*(\d+))?(?:\s+ppid:\s*(\d+))?"
)


def quick(raw: str, builder: Builder) -> bool:
    if " state:" not in raw or not lines.plain(raw):
        return False
    builder.from_origin(lines.caller(raw))
    return read(raw, builder)


def read(text: str, builder: Builder) -> bool:
    found = _HEADER.search(text)
    if found is None:
        return False
    comm, state, pid, tgid, ppid = found.groups()
    builder.task("task-header", comm=comm, state=state, pid=_int(pid), tgid=_int(tgid), ppid=_int(ppid))
    return True


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)
