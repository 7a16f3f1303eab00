"""Every thread of the machine by its stat alone: what a look at all of it can afford."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from harness.linux import procfs
from harness.linux.procfs import GONE, Stat
from harness.model import PF_KTHREAD


class Process(NamedTuple):
    stat: Stat
    """Of the process, which is its leader's."""
    threads: dict[int, Stat]
    """By tid, the leader's among them."""


Census = dict[int, Process]
"""By PID; kernel threads are left out."""


def take_census() -> Census:
    found = {}
    for pid in procfs.pids():
        with contextlib.suppress(*GONE):
            stat = procfs.read_process_stat(pid)
            if not stat.flags & PF_KTHREAD:
                found[pid] = Process(stat, {pid: stat} if stat.threads == 1 else _threads(pid))
    return found


def _threads(pid: int) -> dict[int, Stat]:
    found = {}
    for tid in procfs.tids(pid):
        with contextlib.suppress(*GONE):
            found[tid] = procfs.read_stat(tid, pid)
    return found
