"""The connection that a task waits for, where its system call shows it by the file behind its descriptor."""

from __future__ import annotations

import os

from harness.linux import procfs
from harness.linux.syscalls import statx_cached
from harness.model import kernel_names
from harness.model.holders import Awaited
from harness.model.records import Task

_BY_DESCRIPTOR = {
    "x86_64": frozenset(
        {0, 1, 5, 8, 16, 17, 18, 19, 20, 73, 74, 75, 77, 78, 217, 221, 277, 285, 295, 296, 306, 327, 328}
    ),
    "aarch64": frozenset(
        {25, 29, 32, 46, 47, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 80, 81, 82, 83, 84, 223, 267, 286}
    ),
}.get(os.uname().machine, frozenset())
"""System calls whose first argument is the descriptor that they work on: read, write, fstat, fsync, fallocate,
getdents64, …"""


def awaited(task: Task) -> Awaited | None:
    """Return the connection of the file that the call works on; None where nothing shows it.

    A task that waits in a page fault waits for the file behind the mapping, which may be another one.
    """
    if kernel_names.has(task.functions, kernel_names.FAULT):
        return None
    try:
        call = procfs.read_syscall(task.tid, task.tgid)
        if call is None or call[0] not in _BY_DESCRIPTOR or len(call) < 2:
            return None
        major, minor = statx_cached(f"/proc/{task.tgid}/task/{task.tid}/fd/{call[1]}").device
    except OSError:
        return None
    return Awaited(task.tid, major << 20 | minor, f"its call works on descriptor {call[1]}, a file of this connection")


def confined(task: Task, descriptors: list[tuple[int, str]], seen: frozenset[int], all_numbers: frozenset[int]) -> bool:
    """True if the task can wait only for a mount that it sees: none of its open files and folders is elsewhere.

    Args:
        task: One that waits for FUSE in a system call.
        descriptors: Its descriptor table.
        seen: The connections whose mounts its mountinfo shows.
        all_numbers: Every connection of the machine.
    """
    if task.exiting or kernel_names.has(task.functions, kernel_names.FAULT | kernel_names.CLOSED):
        return False
    folder = f"/proc/{task.tgid}/task/{task.tid}"
    paths = [f"{folder}/cwd", f"{folder}/root", *(f"{folder}/fd/{fd}" for fd, name in descriptors if name[:1] == "/")]
    try:
        devices = [statx_cached(path).device for path in paths]
    except OSError:
        return False
    return not {major << 20 | minor for major, minor in devices} & (all_numbers - seen)
