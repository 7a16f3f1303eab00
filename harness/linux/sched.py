"""How long a task has not run: `se.exec_start` of /proc/PID/sched (proc_sched_show_task(), kernel/sched/debug.c).

The scheduler's clock when the task was last taken off a processor, in milliseconds.  Reading it takes no lock of the
task (sched_show(), fs/proc/base.c).  Kernels without CONFIG_SCHED_DEBUG do not have it.
"""

from __future__ import annotations

import os

from harness.linux import procfs


def parse_exec_start_ms(text: str) -> float | None:
    for line in text.split("\n"):
        key, colon, value = line.partition(":")
        if colon and key.strip() == "se.exec_start":
            return float(value)
    return None


def rested_s(tid: int, tgid: int) -> float | None:
    """Seconds, by our own last turn on a processor as the present; None if it cannot be read."""
    try:
        then = parse_exec_start_ms(procfs.read(f"/proc/{tgid}/task/{tid}/sched"))
        now = parse_exec_start_ms(procfs.read(f"/proc/{os.getpid()}/sched"))
    except OSError:
        return None
    return None if then is None or now is None else max(0.0, (now - then) / 1000)
