"""Files that were sent over a UNIX socket, and not received yet (`scm_fds:` in fdinfo, unix_show_fdinfo(),
net/unix/af_unix.c)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harness.linux import procfs
from harness.linux.procfs import GONE
from harness.observe.means import ProbedProcess, Sign


def find(process: ProbedProcess) -> Iterator[Sign]:
    """Yields a sign for each socket with files in its receive queue."""
    for tid, descriptors in process.tables:
        for fd, name in descriptors:
            if procfs.is_socket(name):
                with contextlib.suppress(*GONE):
                    files = procfs.parse_fdinfo_in_flight(procfs.read_fdinfo(tid, process.pid, fd))
                    if files:
                        yield Sign(tid, f"{files} open file(s) in flight on its socket, descriptor {fd}")
