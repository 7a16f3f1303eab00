"""Every thread of the machine by its stat alone: what a look at all of it can afford."""

from __future__ import annotations

import contextlib
from typing import NamedTuple, Protocol

from harness.linux import procfs
from harness.linux.process import Target
from harness.linux.procfs import GONE, Stat
from harness.linux.timed_reader import TimedReader
from harness.model.records import PF_KTHREAD, Task


class CensusEntry(NamedTuple):
    stat: Stat
    """The stat of the process, which is its leader's."""
    threads: dict[int, Stat]
    """The threads by tid, the leader's among them."""


Census = dict[int, CensusEntry]
"""The processes by PID, without kernel threads."""


class Surveyed(Protocol):
    """A machine that was looked over: by /proc (`Survey`), or in a crash dump (`Dump`)."""

    @property
    def census(self) -> Census:
        """All processes with their threads."""

    def tasks(self, pid: int) -> tuple[Task, ...]:
        """Return the threads of a process."""

    def inside(self, target: Target) -> set[int]:
        """Return the processes that are in a target."""


def take_census(reader: TimedReader) -> Census:
    """Read the stat of every thread; of processes whose stat makes its reader wait, the status."""
    found = {pid: process for pid, process in reader.read(procfs.pids(), _process).items() if process is not None}
    for pid in reader.held:
        with contextlib.suppress(*GONE):
            stat = procfs.read_stat_of_status(pid)
            found[pid] = CensusEntry(stat, {pid: stat})
    return found


def _process(pid: int) -> CensusEntry | None:
    with contextlib.suppress(*GONE):
        stat = procfs.read_process_stat(pid)
        if not stat.flags & PF_KTHREAD:
            return CensusEntry(stat, {pid: stat} if stat.threads == 1 else _threads(pid))
    return None


def _threads(pid: int) -> dict[int, Stat]:
    found = {}
    for tid in procfs.tids(pid):
        with contextlib.suppress(*GONE):
            found[tid] = procfs.read_stat(tid, pid)
    return found
