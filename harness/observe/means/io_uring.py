"""An io_uring: its registered files, and its requests under way, are in no descriptor table.

The ring's fdinfo lists both where the lock of the ring is free (io_uring_show_fdinfo(), io_uring/fdinfo.c).  A ring
may also live
on without a descriptor: by its thread that polls for requests (`iou-sqp-…`), or by a mapping.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

from harness.linux import procfs
from harness.observe.means import ProbedProcess, Sign

_NAME = "anon_inode:[io_uring]"
_COMMANDS = "commands of FUSE over io_uring, which are not listed, keep the device"
_NO_DEVICE = ("socket:", "pipe:", "anon_inode:", "<none>")
"""Names of files that are certainly no device node."""
_WAIT = "io_cqring_wait"
_DEVICES = frozenset({"/dev/fuse", "/fuse"})
"""The device node, on the /dev of the machine or on one of another mount namespace."""


def find(process: ProbedProcess) -> Iterator[Sign]:
    """Yields a sign for each ring that may keep a device."""
    for tid, descriptors in process.tables:
        for fd, name in descriptors:
            if name == _NAME:
                with contextlib.suppress(OSError):
                    text = procfs.read(f"/proc/{process.pid}/task/{tid}/fdinfo/{fd}")
                    evidence = kept(text) or (_COMMANDS if process.related and fuse_commands() else "")
                    if evidence:
                        device = not _DEVICES.isdisjoint(_registered(text))
                        yield Sign(tid, f"io_uring, descriptor {fd}: {evidence}", device)
    shown = any(name == _NAME for _, descriptors in process.tables for _, name in descriptors)
    for task in process.tasks:
        if _WAIT in task.functions and not shown:
            yield Sign(task.tid, "in io_uring_enter(2), of a ring that has no descriptor (IORING_REGISTER_RING_FDS)")
    for tid, thread in process.threads.items():
        if thread.comm.startswith(("iou-sqp-", "iou-wrk-")) and thread.state not in "ZX":
            yield Sign(tid, f"{thread.comm}: a thread of an io_uring works on its requests")


@functools.cache
def fuse_commands() -> bool:
    """Return whether FUSE over io_uring is enabled (since 6.14): a command under way keeps the device, and fdinfo lists
    polls alone."""
    with contextlib.suppress(OSError):
        return procfs.read("/sys/module/fuse/parameters/enable_uring").strip() not in ("N", "0")
    return False


def kept(text: str) -> str:
    """Return what the ring may keep, by its fdinfo; empty where it keeps nothing that could be a device."""
    lines = text.splitlines()
    count = next((line.partition(":")[2].strip() for line in lines if line.startswith("UserFiles:")), None)
    polls = next((place for place, line in enumerate(lines) if line.startswith("PollList:")), None)
    if count is None or polls is None:
        return "its registered files and requests cannot be listed, its lock is taken"
    names = _registered(text)
    files = [name for name in names if name and not name.startswith(_NO_DEVICE)]
    if files:
        return f"registered files: {', '.join(files[:3])}"
    if int(count) and not names:
        return f"{count} registered files, which are not named"
    under_way = [line for line in lines[polls + 1 :] if line.startswith("  op=")]
    return f"{len(under_way)} polls under way" if under_way else ""


def _registered(text: str) -> list[str]:
    """The names of the registered files, as far as the kernel gives them."""
    return [line.partition(": ")[2] for line in text.splitlines() if line.lstrip()[:1].isdigit() and ": " in line]
