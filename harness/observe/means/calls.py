"""A system call under way: it keeps its own reference to a file that another thread may have closed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from harness.linux.sched import ERROR_S, rested_s
from harness.model.records import Task
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
                yield Sign(task.tid, f"in {call}: another thread may have closed a descriptor that it keeps")


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
    stat = process.threads.get(tid)
    return rested_s(tid, process.pid, stat.processor if stat is not None else None)
