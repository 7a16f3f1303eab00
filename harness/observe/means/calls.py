"""A system call under way: it keeps its own reference to a file that another thread may have closed meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from harness.linux.called import called_on, polled
from harness.linux.sched import ERROR_S, rested_s
from harness.linux.syscalls import same_open_file, statx_cached
from harness.model.records import PF_EXITING, Task
from harness.observe.means import ProbedProcess, Sign

_DEVICE = frozenset(
    {
        "fuse_dev_do_read",
        "fuse_dev_read",
        "fuse_dev_do_write",
        "fuse_dev_write",
        "fuse_dev_splice_read",
        "fuse_dev_splice_write",
        "fuse_dev_ioctl",
        "fuse_get_tree",
        "fuse_get_tree_fuse",
    }
)
"""Calls of the device itself (fs/fuse/dev.c), and a mount that is being made with it."""
_OTHER = {
    "do_sys_poll": "poll(2)",
    "do_poll": "poll(2)",
    "do_select": "select(2)",
    "core_sys_select": "select(2)",
    "flock_lock_inode_wait": "flock(2)",
    "locks_lock_inode_wait": "a file lock",
    "splice_direct_to_actor": "sendfile(2)",
    "do_splice": "splice(2)",
    "splice_file_to_pipe": "splice(2)",
}
"""Calls that keep files which the stack does not name: __pollwait(), fs/select.c, keeps each until the call returns.
An epoll
keeps none (eventpoll_release(), fs/eventpoll.c)."""
_POLLS = ("poll(2)", "select(2)")
_MEMORY = 1
"""MEM_MAJOR, include/uapi/linux/major.h: /dev/null, /dev/zero, /dev/urandom, which are always ready."""
_MESSAGES = frozenset(
    {
        "unix_stream_sendmsg",
        "unix_dgram_sendmsg",
        "unix_seqpacket_sendmsg",
        "sock_alloc_send_pskb",
        "unix_wait_for_peer",
        "sock_wait_for_wmem",
    }
)
"""A message of a UNIX socket that is being sent: its files were taken before it waits (scm_send(), net/core/scm.c)."""


def find(process: ProbedProcess) -> Iterator[Sign]:
    """Yields a sign for each call that may keep a file which is in no table any more."""
    shown = any(_may_be_device(name) for _, descriptors in process.tables for _, name in descriptors)
    for task in process.tasks:
        if task.zombie or not task.functions:
            continue
        names = set(task.functions)
        if names & _DEVICE:
            if not shown:
                yield Sign(task.tid, f"in {task.functions[0]}() of a FUSE device that its table does not show")
        elif names & _MESSAGES:
            if _may_be_closed(task, process):
                yield Sign(task.tid, "in sendmsg(2) of a UNIX socket that is full: files may be in the message")
        else:
            call = next((_OTHER[name] for name in task.functions if name in _OTHER), None)
            if call is not None and _may_be_closed(task, process):
                replaced = _replaced(task.tid, process) if call in _POLLS else "closed a descriptor that it keeps"
                if replaced:
                    yield Sign(task.tid, f"in {call}: another thread may have {replaced}")
                else:
                    slept_s = _rested_s(task.tid, process)
                    yield Sign(task.tid, f"in {call}, of files that are in its table", possible=False, slept_s=slept_s)
            elif call is None:
                number = _closed(task, process)
                if number is not None:
                    yield Sign(task.tid, f"in {task.functions[0]}(), of descriptor {number}, which is closed meanwhile")


def _replaced(tid: int, process: ProbedProcess) -> str:
    """Describe what another thread may have done to a descriptor that this one polls; empty where nothing points to it.

    Every program with a main loop and a second thread polls while others run: what it polls is looked at.
    """
    unknown = "closed a descriptor that it keeps"
    since = _rested_s(tid, process)
    if since is None or any(thread.state == "D" or thread.flags & PF_EXITING for thread in process.threads.values()):
        return unknown  # its memory is not read
    try:
        numbers = polled(tid, process.pid)
        if numbers is None:
            return unknown
        found = next(filter(None, (_doubtful(tid, process.pid, fd) for fd in numbers)), "")
    except OSError:
        return unknown
    return found


def _doubtful(tid: int, tgid: int, fd: int) -> str:
    """Why the file behind a descriptor is not the one that the call has kept since it began to sleep."""
    path = f"/proc/{tgid}/task/{tid}/fd/{fd}"
    try:
        seen = statx_cached(path)
    except FileNotFoundError:
        return f"closed descriptor {fd}, which it polls"
    kind = stat.S_IFMT(seen.mode)
    if kind in (stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFCHR and seen.node[0] == _MEMORY):
        return f"replaced descriptor {fd}, which it polls: nobody sleeps in a poll of such a file"
    if fd > 2 and any(same_open_file(tid, fd, tid, other) for other in _numbers(tid, tgid) if other != fd):
        return f"replaced descriptor {fd}, which it polls, by a copy of another"
    return ""


def _closed(task: Task, process: ProbedProcess) -> int | None:
    """The descriptor of a call under way that the table does not have any more: whatever it was, the call keeps it."""
    try:
        number = called_on(task.tid, process.pid)
        if number is not None and not os.path.lexists(f"/proc/{process.pid}/task/{task.tid}/fd/{number}"):
            return number
    except OSError:
        pass
    return None


def _numbers(tid: int, tgid: int) -> Iterator[int]:
    return map(int, os.listdir(f"/proc/{tgid}/task/{tid}/fd"))


def _may_be_device(name: str) -> bool:
    return name.startswith("/") and "fuse" in name


def _may_be_closed(task: Task, process: ProbedProcess) -> bool:
    """False where nobody who shares the table has run since the call began to sleep."""
    others = [each for each in process.threads if each != task.tid and process.threads[each].state not in "ZX"]
    if not others:
        return process.shares_table()
    since = _rested_s(task.tid, process)
    rests = [_rested_s(each, process) for each in others]
    ran = since is None or any(rest is None or rest <= since + 2 * ERROR_S for rest in rests)
    return ran or process.shares_table()


def _rested_s(tid: int, process: ProbedProcess) -> float | None:
    thread = process.threads.get(tid)
    return rested_s(tid, process.pid, thread.processor if thread is not None else None)
