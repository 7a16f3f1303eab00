"""The means to keep an open file that no descriptor table shows: one probe a file, found by walking this package.

Each module has `find(process, machine) -> Iterator[Sign]`.  A sign is evidence that the process may keep a file;
whether that
file can be the device at all is decided by the way that leads to the process (`observe/relations.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

from harness import registry
from harness.linux.procfs import Stat
from harness.model.records import Task


class Sign(NamedTuple):
    """Evidence that a task may keep an open file."""

    tid: int
    evidence: str
    device: bool = False
    """Its name shows that the file is a FUSE device, whosever."""
    possible: bool = True
    """False: nothing of it points to a device; it is worth a condition, whatever way leads to the process."""
    slept_s: float | None = None
    """Seconds since a task in poll(2) ran last.

    Whoever polls a device is woken each time that a request is queued (fuse_dev_wake_and_unlock(), fs/fuse/dev.c), and
    sleeps on with the files that it has taken.
    """


class ProbedProcess(NamedTuple):
    """The view of a process that the probes get."""

    pid: int
    threads: dict[int, Stat]
    tables: list[tuple[int, list[tuple[int, str]]]]
    """A task for each descriptor table, and what that holds."""
    unread: str
    """Why its tables could not be read; empty where they were."""
    tasks: tuple[Task, ...]
    """Its tasks with their stacks; empty where the process is no relative, and they were not read."""
    related: bool
    """The device could have come to it: also the costlier readings are done."""
    shares_table: Callable[[], bool]
    """True if another task uses its table: only such a task can close the descriptor of a call in progress."""


class FoundMeans(NamedTuple):
    """A sign, and the probe that found it."""

    means: str
    sign: Sign


Probe = Callable[[ProbedProcess], Iterator[Sign]]


@functools.cache
def _probes() -> tuple[tuple[str, Probe], ...]:
    from harness.observe import means

    return tuple((name.replace("_", "-"), registry.module(means, name, "find").find) for name in registry.names(means))


def found(process: ProbedProcess) -> Iterator[FoundMeans]:
    """The findings of all probes."""
    for name, probe in _probes():
        for sign in probe(process):
            yield FoundMeans(name, sign)
