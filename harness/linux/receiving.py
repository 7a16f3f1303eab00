"""Descriptors by which a process can get a file that another process has open."""

from __future__ import annotations

import functools
import os
import socket

from harness.linux import procfs
from harness.linux.procfs import GONE

_PIDFD = "anon_inode:[pidfd]"  # pidfd_prepare(), kernel/fork.c, and pidfs_dname(), fs/pidfs.c
_UNIX = "scm_fds:"


def receives_files(tid: int, tgid: int, fd: int, name: str) -> bool:
    """Return whether it is a UNIX socket (recvmsg(2)) or a pidfd (pidfd_getfd(2), since 5.6).

    Args:
        tid: A task with the descriptor table.
        tgid: Its process.
        fd: The descriptor.
        name: What its link in /proc is called.
    """
    if not procfs.is_socket(name):
        return name == _PIDFD
    try:
        return not _unix_sockets_differ() or _UNIX in procfs.read_fdinfo(tid, tgid, fd)
    except GONE:
        return False  # closed meanwhile


@functools.cache
def _unix_sockets_differ() -> bool:
    """True where fdinfo tells a UNIX socket from others: it alone has `scm_fds:` (unix_show_fdinfo(), since 5.9)."""
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        return _UNIX in procfs.read_fdinfo(os.getpid(), os.getpid(), ours.fileno())
