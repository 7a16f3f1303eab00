"""Recorded snapshots, and what is derived from them: other kernels, other users, other neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.model import recording
from harness.model.holders import PossibleHolder
from harness.model.records import PF_EXITING, SIGKILL_MASK, Connection, Device, Snapshot, Task

DATA = Path(__file__).parents[1] / "data"
Change = Callable[[Snapshot], Snapshot]


@cache
def recorded(name: str) -> tuple[Snapshot, ...]:
    path = DATA / "6.18" / f"{name}.json"
    return recording.load(path.read_text(), str(path))


HANG = recorded("exit-flush-self")[-1]
"""The whole hang at rest: init in the zap, a zombie leader, one thread in the exit's own flush, its device gone."""
STARVED = recorded("exit-flush-peer-outside")[-1]
"""The same wait, for a server outside that lives."""
STOPPED = recorded("server-stopped")[-1]

INIT, LEADER, STUCK, CONNECTION = 7313, 7314, 7317, 41
"""In HANG: init, the zombie leader, the thread that flushes, and the connection that it waits for."""
SERVER, STARVED_CONNECTION = 7321, 39
"""In STARVED: the server outside, and its connection."""

IN_FLIGHT = PossibleHolder(
    9000, 9000, "stranger", "in-flight", "1 open file(s) in flight on its socket, descriptor 7", "a sibling by fork"
)
"""Files on their way through a socket, to a process that the device can have come to."""

FLUSH_STACKS = {
    "5.10": (
        "request_wait_answer+0x10c/0x210 [fuse]",
        "fuse_simple_request+0x190/0x2e0 [fuse]",
        "fuse_flush+0x14d/0x1a0 [fuse]",
        "filp_close+0x31/0x70",
        "put_files_struct.part.0+0x69/0xc0",
        "do_exit+0x33f/0xad0",
    ),
    "6.1": (
        "request_wait_answer+0x12c/0x220 [fuse]",
        "fuse_simple_request+0x190/0x2e0 [fuse]",
        "fuse_flush+0x176/0x1e0 [fuse]",
        "filp_close+0x31/0x70",
        "put_files_struct+0x7c/0xd0",
        "do_exit+0x339/0xac0",
    ),
    "6.12": (
        "request_wait_answer+0xf9/0x1f0 [fuse]",
        "__fuse_simple_request+0xd7/0x2b0 [fuse]",
        "fuse_flush+0x172/0x1c0 [fuse]",
        "filp_flush+0x35/0x80",
        "filp_close+0x14/0x30",
        "put_files_struct.isra.0+0x7a/0xd0",
        "do_exit+0x2ca/0xa10",
    ),
    "7.2": (
        "request_wait_answer+0xf1/0x1e0",
        "fuse_chan_send+0xa3/0x120",
        "fuse_flush+0x155/0x190",
        "filp_flush+0x35/0x80",
        "filp_close+0x14/0x30",
        "put_files_struct+0x7a/0xd0",
        "do_exit+0x2ca/0xa10",
    ),
}
"""The order and the names were measured on each kernel; the offsets stand for any."""
NAMES_CONNECTION = frozenset({"6.18", "7.2"})
"""Kernels whose fdinfo of a FUSE device names the connection."""
KERNELS = ("5.10", "6.1", "6.12", "6.18", "7.2")


def with_task(snapshot: Snapshot, tid: int, **changes: Any) -> Snapshot:
    """The snapshot with one of its tasks changed; the task must be there."""
    assert snapshot.task(tid) is not None, tid

    def change(tasks: tuple[Task, ...]) -> tuple[Task, ...]:
        return tuple(replace(task, **changes) if task.tid == tid else task for task in tasks)

    return replace(snapshot, tasks=change(snapshot.tasks), others=change(snapshot.others))


def resting(snapshot: Snapshot) -> tuple[Snapshot, Snapshot]:
    """The same seen twice, a millisecond apart: nothing ran in between."""
    return snapshot, replace(snapshot, taken_ns=snapshot.taken_ns + 1_000_000)


def on_kernel(snapshot: Snapshot, kernel: str) -> Snapshot:
    """As that kernel would have shown it: function names, and whether fdinfo names the connection."""
    if kernel in FLUSH_STACKS:
        changed = []
        for task in snapshot.tasks:
            if "request_wait_answer" in task.functions:
                assert task.stack is not None
                below = task.stack[task.functions.index("do_exit") + 1 :]
                task = replace(task, stack=FLUSH_STACKS[kernel] + below)
            changed.append(task)
        snapshot = replace(snapshot, tasks=tuple(changed), release=f"{kernel}.0")
    if kernel in NAMES_CONNECTION:
        return replace(snapshot, names_connections=True)
    return replace(snapshot, devices=tuple(replace(each, connection=None) for each in snapshot.devices))


def unprivileged(snapshot: Snapshot) -> Snapshot:
    """As a user without root sees it: no stacks, no fusectl; wait channels and states remain."""
    return replace(
        snapshot,
        tasks=tuple(replace(task, stack=None) for task in snapshot.tasks),
        others=tuple(replace(task, stack=None) for task in snapshot.others),
        connections=tuple(replace(each, waiting=None) for each in snapshot.connections),
        unseen=("the waiting requests of the connections (no fusectl filesystem)",),
    )


def sleeper(tid: int, **changes: Any) -> Task:
    """A process with nothing special: it sleeps, nobody has killed it."""
    plain = Task(
        tid=tid,
        tgid=tid,
        ppid=1,
        comm="stranger",
        state="S",
        flags=0x400000,
        threads=1,
        start_time=100,
        fd_slots=64,
        switches=7,
        wchan="futex_do_wait",
        stack=("futex_do_wait+0x46/0x90", "do_syscall_64+0x71/0x280"),
    )
    return replace(plain, **changes)


def killed(task: Task, **changes: Any) -> Task:
    return replace(task, shared_pending=SIGKILL_MASK, **changes)


def exiting(task: Task, **changes: Any) -> Task:
    return replace(task, flags=task.flags | PF_EXITING, **changes)


def with_others(snapshot: Snapshot, *tasks: Task) -> Snapshot:
    return replace(snapshot, others=(*snapshot.others, *tasks))


def with_inside(snapshot: Snapshot, *tasks: Task) -> Snapshot:
    """More tasks in the namespace, children of its init."""
    added = tuple(replace(task, ppid=snapshot.init_tid, pid_ns=snapshot.pid_ns) for task in tasks)
    return replace(snapshot, tasks=(*snapshot.tasks, *added))


def with_device(snapshot: Snapshot, tgid: int, connection: int | None, fd: int = 5) -> Snapshot:
    return replace(snapshot, devices=(*snapshot.devices, Device(tgid, tgid, fd, connection)))


def with_connection(snapshot: Snapshot, number: int, waiting: int | None, fsname: str | None = None) -> Snapshot:
    return replace(snapshot, connections=(*snapshot.connections, Connection(number, waiting, fsname)))


def without_claims(snapshot: Snapshot) -> Snapshot:
    """A hang that another program made: nobody knows what only a launcher can know."""
    return replace(snapshot, claims=())


def stuck_in_call(snapshot: Snapshot, tid: int, call: str = "fuse_flush") -> Snapshot:
    """The task sat in a system call on the mount when it was killed: not exiting, its descriptors still open."""
    stack = ("request_wait_answer+0xf9/0x1f0", "__fuse_simple_request+0xd7/0x2b0", f"{call}+0x10/0x20")
    task = snapshot.task(tid)
    assert task is not None
    return with_task(
        snapshot, tid, stack=stack, flags=task.flags & ~PF_EXITING, pending=SIGKILL_MASK, fd_slots=64, state="D"
    )
