"""The connection that a task waits for, where its system call shows it by the file behind its descriptor."""

from __future__ import annotations

from harness.linux import procfs
from harness.linux.called import BY_DESCRIPTOR
from harness.linux.syscalls import statx_cached
from harness.model import kernel_names
from harness.model.holders import Awaited
from harness.model.records import Task


def awaited(task: Task) -> Awaited | None:
    """Return the connection of the file that the call works on; None where nothing shows it.

    A task that waits in a page fault waits for the file behind the mapping, which may be another one.
    """
    if kernel_names.has(task.functions, kernel_names.FAULT):
        return None
    try:
        call = procfs.read_syscall(task.tid, task.tgid)
        if call is None or call[0] not in BY_DESCRIPTOR or len(call) < 2:
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
