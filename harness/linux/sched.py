"""The rest of a task: `se.exec_start` of /proc/PID/sched (proc_sched_show_task(), kernel/sched/debug.c).

It is the clock of the task's CPU when the task was last taken off it, in milliseconds.  Reading it takes no lock of the
task (sched_show(), fs/proc/base.c).  Kernels without CONFIG_SCHED_DEBUG do not have it.

Each CPU has a clock of its own: rq_clock_task() leaves out the time that interrupts and a hypervisor took
(update_rq_clock_task(), kernel/sched/core.c), so the clocks of two CPUs drift apart by seconds.
"""

from __future__ import annotations

import os
import time

from harness.linux import procfs

ERROR_S = 0.1
"""The error of `rested_s`: a clock is read again after half of it, and a running task's is up to a tick old."""


def parse_exec_start_ms(text: str) -> float | None:
    for line in text.split("\n"):
        key, colon, value = line.partition(":")
        if colon and key.strip() == "se.exec_start":
            return float(value)
    return None


def rested_s(tid: int, tgid: int, processor: int | None) -> float | None:
    """Compute how long a task has not run.

    Args:
        tid: the task.
        tgid: its process.
        processor: the CPU on which it ran last (field 39 of /proc/PID/stat); None if that is unknown.

    Returns:
        Seconds, with an error of ERROR_S, without the time that a hypervisor took.  None if it cannot be read, or if
        the CPU is unknown or not ours to run on.
    """
    return _rested_s(tid, tgid, [] if processor is None else [processor])


def about_rested_s(tid: int, tgid: int, processor: int | None) -> float | None:
    """Estimate how long a task has not run, where its CPU may be unknown.

    Args:
        tid: the task.
        tgid: its process.
        processor: as for `rested_s`.

    Returns:
        As `rested_s`; where that is None, the seconds by the clock that is furthest ahead.  It may be too many, so it
        is no evidence of rest.
    """
    exact = rested_s(tid, tgid, processor)
    return _rested_s(tid, tgid, sorted(os.sched_getaffinity(0))) if exact is None else exact


def _rested_s(tid: int, tgid: int, processors: list[int]) -> float | None:
    try:
        then = parse_exec_start_ms(procfs.read(f"/proc/{tgid}/task/{tid}/sched"))
        present = [now for each in processors if (now := _CLOCKS.now_ms(each)) is not None]
    except OSError:
        return None
    return max(0.0, (max(present) - then) / 1000) if then is not None and present else None


class _Clocks:
    """The clocks of the CPUs on which we may run."""

    def __init__(self) -> None:
        self._ahead: dict[int, tuple[float, float | None]] = {}
        """For each CPU: the time of the reading, and milliseconds by which its clock is ahead of the monotonic one."""

    def now_ms(self, processor: int) -> float | None:
        """The present by the clock of a CPU; None where we may not run there."""
        at, ahead = self._ahead.get(processor, (-ERROR_S, None))
        if time.monotonic() - at > ERROR_S / 2:
            ours = os.sched_getaffinity(0)
            ahead = self._measured_ms(processor, ours) if processor in ours else None
            self._ahead[processor] = time.monotonic(), ahead
        return None if ahead is None else time.monotonic() * 1000 + ahead

    def _measured_ms(self, processor: int, ours: set[int]) -> float | None:
        """Our own `exec_start` after we moved there: set_next_entity() sets it (kernel/sched/fair.c)."""
        os.sched_setaffinity(0, {processor})
        try:
            own = parse_exec_start_ms(procfs.read("/proc/thread-self/sched"))
            now = time.monotonic() * 1000
        finally:
            os.sched_setaffinity(0, ours)
        return None if own is None else own - now


_CLOCKS = _Clocks()
