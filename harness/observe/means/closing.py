"""A task that closes several descriptors and waits in the middle: the files before are released by its task work only.

close_range(2), execve(2) and the end of an unshared table flush each file in turn; the last reference of each is
dropped by task
work, which runs when the call returns (fput(), fs/file_table.c).
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.model import kernel_names
from harness.observe.means import ProbedProcess, Sign


def find(process: ProbedProcess) -> Iterator[Sign]:
    """Yields a sign for each task that is not exiting and waits in the middle of closing its files."""
    for task in process.tasks:
        if not task.exiting and not task.zombie and kernel_names.has(task.functions, kernel_names.CLOSING):
            how = next(name for name in task.functions if name in kernel_names.CLOSING)
            yield Sign(task.tid, f"in {how}(): files that it has closed already are released when that returns")
