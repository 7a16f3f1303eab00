"""The descriptors that a system call under way works on: by its arguments, or those of poll(2) by the task's memory.

Reading the memory takes the `mmap_lock` of its address space and may touch a page that is not there: for processes
that are healthy, by a reader that can be left behind.
"""

from __future__ import annotations

import os
import struct

from harness.linux import procfs
from harness.linux.syscalls import read_memory

_POLL = {"x86_64": frozenset({7, 271}), "aarch64": frozenset({73})}.get(os.uname().machine, frozenset())
"""poll and ppoll: the array, and how many it has."""
_SELECT = {"x86_64": frozenset({23, 270}), "aarch64": frozenset({72})}.get(os.uname().machine, frozenset())
"""select and pselect6: the number of bits, and three sets of them."""
_POLLFD = struct.Struct("=ihh")
MOST = 65536
BY_DESCRIPTOR = {
    "x86_64": frozenset(
        {0, 1, 5, 8, 16, 17, 18, 19, 20, 72, 73, 74, 75, 77, 78, 217, 221, 277, 285, 295, 296, 306, 326, 327, 328}
    ),
    "aarch64": frozenset(
        {25, 29, 32, 46, 47, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 80, 81, 82, 83, 84, 223, 267, 285, 286, 287}
    ),
}.get(os.uname().machine, frozenset())
"""System calls whose first argument is the descriptor that they work on: read, write, fstat, ioctl, fcntl, fsync, …"""
_MESSAGES = {"x86_64": frozenset({44, 45, 46, 47, 275, 276}), "aarch64": frozenset({206, 207, 211, 212, 76, 77})}.get(
    os.uname().machine, frozenset()
)
"""sendto, recvfrom, sendmsg, recvmsg, splice and tee."""


def called_on(tid: int, tgid: int) -> int | None:
    """Return the descriptor of the call that a task sleeps in; None where it is in none, or that has no descriptor.

    Raises:
        OSError: The task is gone.
    """
    call = procfs.read_syscall(tid, tgid)
    known = call is not None and len(call) > 1 and call[0] in BY_DESCRIPTOR | _MESSAGES
    return call[1] & 0xFFFFFFFF if call is not None and known else None


def polled(tid: int, tgid: int) -> tuple[int, ...] | None:
    """Read the numbers that the call was made with: neither call changes them before it returns (fs/select.c).

    Args:
        tid: A task in poll(2) or select(2).
        tgid: Its process.

    Returns:
        The descriptors; None where they cannot be told: a restarted call, another architecture's program.

    Raises:
        OSError: The task is gone, or its memory may not be read.
    """
    call = procfs.read_syscall(tid, tgid)
    if call is None or len(call) < 5:
        return None
    number, first, second, *more = call
    if number in _POLL and second <= MOST:
        array = read_memory(tid, first, second * _POLLFD.size) if second else b""
        return tuple(fd for fd, _, _ in _POLLFD.iter_unpack(array) if fd >= 0)
    if number in _SELECT and first <= MOST:
        size = (first + 63) // 64 * 8  # the kernel copies whole words (FDS_BYTES(), include/linux/poll.h)
        sets = [int.from_bytes(read_memory(tid, each, size), "little") for each in (second, *more[:2]) if each and size]
        return tuple(fd for fd in range(first) if any(bits >> fd & 1 for bits in sets))
    return None
