"""One instant at which a group of processes had no device: their tables read together, while none of them ran.

A process whose table was read without the device can have received it afterwards, from one whose table was read later;
and the other way round at the next look.  Both have to run for that: a message of a UNIX socket is sent by its sender,
and received by its receiver.  So the tables of all that have such a socket are read once more between two readings of
their context switches.  Where the counts are the same and no thread runs, all of the tables are of one instant.  That
others of the group ran before, or run afterwards, changes nothing: what nobody has at one instant, nobody gets later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from harness.linux import procfs
from harness.linux.patient import Patient
from harness.linux.procfs import GONE

TRIES = 12
"""A process that wakes up a hundred times a second rests in most; two that pass a file on all the time do not."""
_ALONE = 3
"""Readings of one that runs alone: it has nobody to pass a device to, and none of them shows it."""
_PAUSE_S = 0.003


def exchanging(pids: Collection[int], patient: Patient, unchanged: Callable[[int], bool]) -> frozenset[int]:
    """Return the processes between which a device can have been under way in each of the joint readings.

    Args:
        pids: The processes that could pass a device to each other.
        patient: Reads what may make its reader wait.
        unchanged: Reads the table of a process again: whether it still shows what it showed at first.

    Returns:
        Those that ran in the best of the readings, and those that showed something new in any.  One that ran alone has
        nobody to pass a device to, and is left out.
    """
    best, changed = frozenset(pids), set[int]()
    for attempt in range(TRIES):
        if not best or (len(best) == 1 and attempt >= _ALONE):
            break
        if attempt:
            time.sleep(_PAUSE_S * attempt)
        before = {pid: _turns(pid) for pid in pids}
        same = patient.read([pid for pid, turns in before.items() if turns], unchanged)
        changed.update(pid for pid, each in same.items() if not each)
        ran = frozenset(pid for pid, turns in before.items() if turns != {} and (not turns or turns != _turns(pid)))
        best = min(best, ran, key=len)
    return frozenset(changed) | (best if len(best) > 1 else frozenset())


def _turns(pid: int) -> dict[int, tuple[str, int]] | None:
    """State and context switches of each thread; None where one runs; empty where the process has gone.

    A thread that sleeps in both readings, with the same counts, has not run between them: it would have been counted
    when it went to sleep again (__schedule(), kernel/sched/core.c).
    """
    found = {}
    try:
        for tid in procfs.tids(pid):
            text = procfs.read_record(f"/proc/{pid}/task/{tid}/status")
            state, switches = procfs.parse_stat_of_status(text).state, procfs.parse_status(text).switches
            if state == "R" or switches is None:
                return None
            found[tid] = (state, switches)
    except GONE:
        return None if found else {}
    return found
