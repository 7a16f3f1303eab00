"""A crash dump as a source of snapshots: one instant of a whole machine."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from harness.linux.process import Target
from harness.linux.procfs import Stat
from harness.model.memory import Holding, KernelMemory
from harness.model.records import PF_EXITING, Connection, Device, Mount, Snapshot, Task
from harness.observe.census import Census, CensusEntry
from harness.observe.memory.account import take_account
from harness.observe.memory.kernel import FaultError, Reader, UnknownError
from harness.observe.memory.program import ProgramKernel
from harness.observe.memory.tasks import Tasks
from harness.observe.memory.threads import Thread, Threads
from harness.record import record

if TYPE_CHECKING:
    from drgn import Object, StackFrame

_SCHEDULER = frozenset(
    {"__schedule", "schedule", "schedule_timeout", "schedule_preempt_disabled", "io_schedule", "context_switch"}
)
"""Innermost functions of every task that sleeps, which /proc/PID/stack leaves out."""


@record(frozen=True, slots=True)
class MountedAt:
    """A mount of a FUSE connection."""

    connection: int
    fsname: str
    point: str
    namespace: int
    """Address of its `struct mnt_namespace`."""
    inode: int
    """The inode of that namespace, as /proc/PID/ns/mnt names it."""


class Dump:
    """The machine that an opened dump shows."""

    def __init__(self, kernel: ProgramKernel) -> None:
        """Raises FaultError where the dump is truncated, UnknownError on a kernel that is not known."""
        self._program = kernel.program
        self._reader = Reader(kernel)
        self._threads = Threads(self._reader)
        self._tasks = Tasks(self._reader, self._threads, self._stack)
        self.memory: KernelMemory = take_account(kernel)
        self.threads: dict[int, list[Thread]] = {}
        """The tasks of each process, without kernel threads."""
        for thread in self._tasks.user_threads():
            self.threads.setdefault(thread.tgid, []).append(thread)
        self._bare = {pid: self._read(pid, with_stack=False) for pid in self.threads}
        self._whole: dict[int, tuple[Task, ...]] = {}
        self._now_ns = self._clock()
        self.mounts = tuple(self._mounts())
        self._seers = self._mount_namespaces()

    @property
    def release(self) -> str:
        return str(self._program["init_uts_ns"].name.release.string_().decode())

    @property
    def boot(self) -> str:
        """/proc/sys/kernel/random/boot_id; empty where nobody had read it yet, for it is made at the first reading."""
        with contextlib.suppress(FaultError, UnknownError):
            raw = self._reader.kernel.read(self._reader.kernel.symbol("sysctl_bootid"), 16)
            return str(uuid.UUID(bytes=raw)) if any(raw) else ""
        return ""

    @property
    def taken_s(self) -> int:
        """The machine's own time, in seconds since 1970."""
        program = self._program
        try:
            core = program["tk_core"]
        except LookupError:
            # An array since commit 22c62b9a84b8 ("timekeeping: Introduce auxiliary timekeepers") (in v6.17).
            core = program["timekeeper_data"][program["TIMEKEEPER_CORE"]]
        return int(core.timekeeper.xtime_sec)

    @property
    def census(self) -> Census:
        """All processes with their threads, as a census of /proc has them."""
        return {
            pid: CensusEntry(
                _stat(min(tasks, key=lambda each: not each.leader)), {each.tid: _stat(each) for each in tasks}
            )
            for pid, tasks in self._bare.items()
            if tasks
        }

    def tasks(self, pid: int) -> tuple[Task, ...]:
        """Return the threads of a process, with their stacks."""
        if pid not in self._whole:
            self._whole[pid] = self._read(pid, with_stack=True)
        return self._whole[pid]

    def rested_s(self, tid: int, tgid: int) -> float | None:
        """Return how long a task has not run; None if the dump does not show it."""
        thread = next((each for each in self.threads.get(tgid, ()) if each.tid == tid), None)
        if thread is None or self._now_ns is None:
            return None
        then = self._reader.u64(thread.address + self._reader.offset("task_struct", "se.exec_start"))
        return max(0.0, (self._now_ns - then) / 1e9)

    def inside(self, target: Target) -> set[int]:
        """Return the processes of a PID namespace and of those nested in it, or those that descend from a process."""
        found = {target.init} & self._bare.keys()
        if target.pid_ns is not None:
            found |= {pid for pid, tasks in self._bare.items() if any(each.pid_ns == target.pid_ns for each in tasks)}
        children: dict[int, list[int]] = {}
        for pid, tasks in self._bare.items():
            for task in tasks:
                children.setdefault(task.ppid, []).append(pid)
        todo = list(found)
        while todo:
            for pid in children.get(todo.pop(), ()):
                if pid not in found:
                    found.add(pid)
                    todo.append(pid)
        return found

    def snapshot(self, target: Target, tid: int) -> Snapshot:
        """Return what matters to one target, `tid` being the task that is to end."""
        inside = self.inside(target)
        outside = (self._concerned() | self._relatives(inside)) - inside
        pids = inside | outside
        views = self._views(pids & self._bare.keys())
        return Snapshot(
            taken_ns=self._now_ns or 0,
            release=self.release,
            pid_ns=target.pid_ns,
            init_tid=tid,
            tasks=tuple(task for pid in sorted(inside) for task in self.tasks(pid)),
            others=tuple(task for pid in sorted(outside & self._bare.keys()) for task in self.tasks(pid)),
            devices=tuple(self._devices()),
            connections=tuple(self._connections()),
            mounts=tuple(mount for view in views.values() for mount in view[0]),
            same_mounts=tuple(view[1] for view in views.values()),
            names_connections=True,
            memory=self.memory,
            instant=True,
        )

    def _read(self, pid: int, with_stack: bool) -> tuple[Task, ...]:
        found = []
        for thread in self.threads[pid]:
            with contextlib.suppress(FaultError):
                found.append(self._tasks.read(thread, with_stack))
        return tuple(found)

    def _concerned(self) -> set[int]:
        """Processes that hold a device or wait for one, and those with a task on its way out."""
        holders = {
            tgid
            for connection in self.memory.connections
            for device in connection.devices
            for each in device.references
            for tgid in (each.tgid, *each.sharers)
            if tgid is not None
        }
        waiting = {
            request.tid for connection in self.memory.connections for request in connection.requests if request.tid
        }
        return holders | {
            pid
            for pid, tasks in self._bare.items()
            if any((each.flags & PF_EXITING and not each.zombie) or each.tid in waiting for each in tasks)
        }

    def _relatives(self, pids: Iterable[int]) -> set[int]:
        """Parents and tracers: who must reap."""
        tasks = [task for pid in pids for task in self._bare.get(pid, ())]
        of_tid = {task.tid: pid for pid, found in self._bare.items() for task in found}
        named = {number for task in tasks for number in (task.ppid, task.tracer) if number}
        return {of_tid[number] for number in named if number in of_tid}

    def _devices(self) -> Iterator[Device]:
        for connection in self.memory.connections:
            for device in connection.devices:
                for each in device.references:
                    if each.holding is Holding.TABLE and each.tid and each.tgid and each.fd is not None:
                        yield Device(each.tid, each.tgid, each.fd, connection.number)
                        for tgid in each.sharers:
                            yield Device(tgid, tgid, each.fd, connection.number)

    def _connections(self) -> Iterator[Connection]:
        names = {mount.connection: mount.fsname for mount in self.mounts}
        for each in self.memory.connections:
            if each.connected:
                yield Connection(each.number, each.waiting, names.get(each.number), each.virtiofs)

    def _views(self, pids: set[int]) -> dict[int, tuple[tuple[Mount, ...], tuple[int, ...]]]:
        """The FUSE mounts of each mount namespace, and a task of each of these processes that is in it."""
        seers: dict[int, list[int]] = {}
        for pid in sorted(pids & self._seers.keys()):
            tid, namespace = self._seers[pid]
            seers.setdefault(namespace, []).append(tid)
        inside: dict[int, list[MountedAt]] = {}
        for mount in self.mounts:
            inside.setdefault(mount.namespace, []).append(mount)
        return {
            namespace: (
                tuple(Mount(each.connection, each.fsname, each.point, tids[0]) for each in inside[namespace]),
                tuple(tids),
            )
            for namespace, tids in seers.items()
            if namespace in inside
        }

    def users(self, mount: MountedAt) -> tuple[int, ...]:
        """Return the processes whose mount namespace has this mount."""
        return tuple(pid for pid, (_, namespace) in sorted(self._seers.items()) if namespace == mount.namespace)

    def _mount_namespaces(self) -> dict[int, tuple[int, int]]:
        """For each process, the first thread that still has its namespaces, and its `struct mnt_namespace`."""
        proxy = self._reader.offset("task_struct", "nsproxy")
        mounts = self._reader.offset("nsproxy", "mnt_ns")
        found = {}
        for pid, threads in self.threads.items():
            for thread in threads:
                address = self._reader.u64(thread.address + proxy)
                if address:
                    found[pid] = (thread.tid, self._reader.u64(address + mounts))
                    break
        return found

    def _mounts(self) -> Iterator[MountedAt]:
        from drgn.helpers.linux.fs import mount_dst, mount_src, super_block_for_each_mount
        from drgn.helpers.linux.list import list_for_each_entry

        hosts = {each.number for each in self.memory.connections if each.virtiofs}
        for connection in self._fuse_connections():
            # Up to v5.9 a connection has one super_block and no list of `struct fuse_mount`.
            if int(connection.dev) in hosts or not self._reader.has("fuse_conn", "mounts"):
                continue
            for fuse_mount in list_for_each_entry("struct fuse_mount", connection.mounts.address_of_(), "fc_entry"):
                for mount in super_block_for_each_mount(fuse_mount.sb):
                    with contextlib.suppress(LookupError, ValueError, *_faults()):
                        namespace = mount.mnt_ns
                        yield MountedAt(
                            int(connection.dev),
                            _text(mount_src(mount)),
                            _text(mount_dst(mount)),
                            int(namespace),
                            int(namespace.ns.inum),
                        )

    def _fuse_connections(self) -> Iterator[Object]:
        from drgn.helpers.linux.list import list_for_each_entry

        try:
            head = self._program["fuse_conn_list"]
        except LookupError:
            return
        yield from list_for_each_entry("struct fuse_conn", head.address_of_(), "entry")

    def _clock(self) -> int | None:
        """The scheduler's clock, on which `se.exec_start` is: the latest of all processors."""
        from drgn.helpers.linux.cpumask import for_each_online_cpu
        from drgn.helpers.linux.percpu import per_cpu

        with contextlib.suppress(LookupError, ValueError, *_faults()):
            queues = self._program["runqueues"]
            return max(int(per_cpu(queues, cpu).clock) for cpu in for_each_online_cpu(self._program))
        return None

    def _stack(self, thread: Thread) -> tuple[str, ...] | None:
        with contextlib.suppress(LookupError, ValueError, *_faults()):
            frames = [each for each in self._program.stack_trace(thread.tid) if not each.is_inline]
            while frames and frames[0].name in _SCHEDULER:
                frames.pop(0)
            return tuple(map(_frame, frames))
        return None


def _stat(task: Task) -> Stat:
    return Stat(task.comm, task.state, task.ppid, task.flags, task.threads, task.start_time)


def _frame(frame: StackFrame) -> str:
    """As /proc/PID/stack prints it: `fuse_flush+0x155/0x190`."""
    try:
        symbol = frame.symbol()
    except LookupError:
        return frame.name or hex(frame.pc)
    return f"{symbol.name}+{frame.pc - symbol.address:#x}/{symbol.size:#x}"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _faults() -> tuple[type[Exception], ...]:
    import drgn

    return (drgn.FaultError,)
