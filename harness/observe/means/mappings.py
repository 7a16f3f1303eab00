"""The mappings of an aio context, and of an io_uring whose descriptor is closed.

`/proc/PID/maps` takes the lock of the address space.  It is read for relatives alone, none of whose threads is
exiting or sleeps
beyond the reach of signals, by a reader that can be left behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harness.linux import procfs
from harness.model.records import PF_EXITING
from harness.observe.means import ProbedProcess, Sign

_AIO = "/[aio]"  # aio_setup_ring(), fs/aio.c
_RING = "anon_inode:[io_uring]"


def find(process: ProbedProcess) -> Iterator[Sign]:
    """Yields a sign for each kind of mapping that keeps open files."""
    if (
        not process.related
        or process.unread
        or any(thread.state == "D" or thread.flags & PF_EXITING for thread in process.threads.values())
    ):
        return
    with contextlib.suppress(OSError):
        lines = procfs.read(f"/proc/{process.pid}/maps").splitlines()
        if any(_AIO in line for line in lines):
            yield Sign(process.pid, "it has an aio context: a poll may be under way")
        open_rings = any(name == _RING for _, descriptors in process.tables for _, name in descriptors)
        if not open_rings and any(_RING in line for line in lines):
            yield Sign(process.pid, "it has mapped an io_uring that no descriptor shows")
