"""A recording of a PID namespace that somebody else made: two snapshots, for the judge."""

from __future__ import annotations

import time

from harness.errors import UsageError
from harness.linux.fusectl import fusectl_opened
from harness.linux.process import Target
from harness.model.records import Snapshot
from harness.observe.memory.attach import with_memory
from harness.observe.memory.helper import memory_helper
from harness.observe.snapshot import observe


def record(pid: int, interval_s: float = 0.01) -> tuple[Snapshot, Snapshot]:
    """Takes two snapshots of the PID namespace of which a process is the init.

    Args:
        pid: The init of the namespace, as the caller's PID namespace numbers it.
        interval_s: Seconds between the two.

    Returns:
        The two snapshots, the earlier one first.

    Raises:
        UsageError: There is no such process, or it may not be looked at.
    """
    try:
        target = Target.of(pid)
    except OSError as error:
        raise UsageError(f"process {pid}: {error.strerror}", "name the PID of a namespace's init") from error
    with fusectl_opened() as ctl, memory_helper(None, lambda _: None) as memory:
        first = with_memory(observe(target, ctl), memory)
        time.sleep(interval_s)
        return first, with_memory(observe(target, ctl, earlier=first), memory)
