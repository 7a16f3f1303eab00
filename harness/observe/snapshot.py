"""One snapshot: every task that matters, every FUSE connection, and who holds which device."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from harness import kernel_names
from harness.linux import cgroup, procfs
from harness.linux.fusectl import Fusectl
from harness.linux.mountinfo import fuse_mounts, virtiofs_numbers
from harness.linux.patient import read_each
from harness.linux.procfs import GONE
from harness.linux.syscalls import same_descriptor_table, same_open_file
from harness.model import (
    PF_EXITING,
    Claim,
    Connection,
    Device,
    InFlight,
    Mount,
    Snapshot,
    Task,
)
from harness.observe.census import Census, take_census
from harness.target import Target

Tables = list[tuple[int, list[tuple[int, str]]]]
"""Of one process: a task for each descriptor table, and what that holds."""


def observe(
    target: Target, ctl: Fusectl | None, claims: tuple[Claim, ...] = (), earlier: Snapshot | None = None
) -> Snapshot:
    """The whole machine is looked over once: a FUSE device can be held by any process, wherever it lives.

    `earlier`: a snapshot of the same boot, for what it has shown of this kernel.
    """
    (snapshot,) = Survey(ctl).snapshots((target,), claims, earlier is not None and earlier.names_connections)
    return snapshot


class Survey:
    """One look over the whole machine, out of which come the snapshots of any number of targets."""

    def __init__(self, ctl: Fusectl | None, census: Census | None = None) -> None:
        """`census`: one that has just been taken."""
        self.ctl = ctl
        self.taken_ns = time.monotonic_ns()
        self.census = take_census() if census is None else census
        self.unreadable = 0
        self.files: list[tuple[int, int]] = []
        self.unseen: list[str] = []
        self._read: dict[int, tuple[Task, ...]] = {}
        self._seen_mounts: dict[int, list[Mount]] = {}
        self._namespaces: dict[int, int | None] = {}
        self._born: dict[int, list[int]] = {}

    def snapshots(
        self, targets: tuple[Target, ...], claims: tuple[Claim, ...] = (), names_connections: bool = False
    ) -> tuple[Snapshot, ...]:
        """One a target, all of one reading; `names_connections`: this kernel's fdinfo is known to do so."""
        inside = [self._inside(target) for target in targets]
        self.read_tasks(set().union(*inside))
        tables = {pid: list(self._tables(pid)) for pid in self.census}
        devices = tuple(each for pid, shown in tables.items() for each in self._devices(pid, shown))
        in_flight: tuple[InFlight, ...] = ()
        if any(_awaits_fuse(task) for pids in inside for pid in pids for task in self.tasks(pid)):
            in_flight = tuple(each for pid, shown in tables.items() for each in self._in_flight(pid, shown))
        everywhere = {device.tgid for device in devices} | {each.tgid for each in in_flight} | self._exiting()
        outside = [(everywhere | self._relatives(pids)) - pids for pids in inside]
        self.read_tasks(set().union(*outside))
        elsewhere = {task.tgid for pids in outside for pid in pids for task in self.tasks(pid) if _awaits_fuse(task)}
        seers = [pids | (elsewhere & beside) for pids, beside in zip(inside, outside, strict=False)]
        mounts = [tuple(mount for pid in sorted(pids) for mount in self._mounts(pid)) for pids in seers]
        connections = self._connections(tuple({mount for seen in mounts for mount in seen}))
        if self.unreadable:
            self.unseen.append(f"the descriptors of {self.unreadable} process(es) that we may not look into")
        return tuple(
            Snapshot(
                self.taken_ns,
                os.uname().release,
                target.pid_ns,
                target.init,
                tuple(task for pid in sorted(pids) for task in self.tasks(pid)),
                tuple(task for pid in sorted(beside) for task in self.tasks(pid)),
                devices,
                in_flight,
                connections,
                seen,
                claims,
                tuple(self.unseen),
                names_connections or any(device.connection is not None for device in devices),
            )
            for target, pids, beside, seen in zip(targets, inside, outside, mounts, strict=False)
        )

    def _inside(self, target: Target) -> set[int]:
        """By the namespace link, and by descent, which also reaches the namespaces nested below."""
        init = self.census.get(target.init)
        if init is None or init.stat.start_time != target.start_time:
            return set()
        inside = {target.init}
        if target.pid_ns is not None:
            inside |= {pid for pid, namespace in self.namespaces().items() if namespace == target.pid_ns}
        todo = list(inside)
        while todo:
            for pid in self._children().get(todo.pop(), ()):
                if pid not in inside:
                    inside.add(pid)
                    todo.append(pid)
        return inside

    def namespaces(self) -> dict[int, int | None]:
        """The PID namespace of each process; None where it may not be read."""
        if not self._namespaces:
            for pid in self.census:
                with contextlib.suppress(*GONE):
                    try:
                        self._namespaces[pid] = procfs.read_namespace(pid, pid, "pid")
                    except PermissionError:
                        self._namespaces[pid] = None
        return self._namespaces

    def _children(self) -> dict[int, list[int]]:
        """Processes by their parent."""
        if not self._born:
            for pid, process in self.census.items():
                self._born.setdefault(process.stat.ppid, []).append(pid)
        return self._born

    def tasks(self, pid: int) -> tuple[Task, ...]:
        """Those of a process that has been read; none of one that has not."""
        return self._read.get(pid, ())

    def read_tasks(self, pids: Iterable[int]) -> None:
        """All threads of these processes, each process once."""
        fresh = sorted(set(pids) - self._read.keys())
        for pid in fresh:
            self._read[pid] = tuple(self._plain_tasks(pid))
        asked = {task.tid: task for pid in fresh for task in self._read[pid] if not task.zombie}
        answers, silent = read_each(asked, lambda tid: _with_stack(asked[tid]))
        self.unseen += [f"the stack of task {tid}: its reader waits itself, and was left behind" for tid in silent]
        for pid in fresh:
            self._read[pid] = tuple(answers.get(task.tid, task) for task in self._read[pid])

    def _plain_tasks(self, pid: int) -> Iterator[Task]:
        with contextlib.suppress(*GONE):
            for tid in procfs.tids(pid):
                with contextlib.suppress(*GONE):
                    yield _plain_task(tid, pid)

    def _tables(self, pid: int) -> Iterator[tuple[int, list[tuple[int, str]]]]:
        """(tid, descriptors) once for each descriptor table of the process; kcmp(2) tells which threads share one.

        A thread that vanishes while its table is read does not count as having shown it: another one that shares the
        table is read in its place.
        """
        shown: list[int] = []
        try:
            for tid in self.census[pid].threads:
                if any(same_descriptor_table(tid, other) for other in shown):
                    continue
                try:
                    descriptors = procfs.read_descriptors(tid, pid)
                except GONE:
                    continue
                shown.append(tid)
                yield tid, descriptors
        except GONE:
            return
        except PermissionError:
            self.unreadable += 1

    def _devices(self, pid: int, tables: Tables) -> Iterator[Device]:
        for tid, descriptors in tables:
            for fd, name in descriptors:
                if not procfs.is_fuse_device(name):
                    continue
                with contextlib.suppress(*GONE):
                    connection = procfs.parse_fdinfo_connection(procfs.read_fdinfo(tid, pid, fd))
                    file = self._number_of_file(tid, fd) if connection is None else None
                    yield Device(tid, pid, fd, connection, file)

    def _number_of_file(self, tid: int, fd: int) -> int:
        """The same for two descriptors only if kcmp(2) says that they are one open file."""
        for number, (other_tid, other_fd) in enumerate(self.files):
            if same_open_file(tid, fd, other_tid, other_fd):
                return number
        self.files.append((tid, fd))
        return len(self.files) - 1

    def _in_flight(self, pid: int, tables: Tables) -> Iterator[InFlight]:
        for tid, descriptors in tables:
            for fd, name in descriptors:
                if procfs.is_socket(name):
                    with contextlib.suppress(*GONE):
                        files = procfs.parse_fdinfo_in_flight(procfs.read_fdinfo(tid, pid, fd))
                        if files:
                            yield InFlight(tid, pid, fd, files)

    def _exiting(self) -> set[int]:
        """Processes with a task that is past the kill and not yet dead: its table may be detached, its work not."""
        return {
            pid
            for pid, process in self.census.items()
            if any(thread.flags & PF_EXITING and thread.state not in "ZX" for thread in process.threads.values())
        }

    def _relatives(self, pids: set[int]) -> set[int]:
        """Parents and tracers outside: who must reap."""
        tasks = (task for pid in pids for task in self.tasks(pid))
        return {number for task in tasks for number in (task.ppid, task.tracer) if number}

    def _mounts(self, pid: int) -> list[Mount]:
        """From the first task of the process that still has its namespaces."""
        try:
            tids = procfs.tids(pid)
        except GONE:
            return []
        for tid in tids:
            try:
                return [Mount(each.minor, each.source, each.point, tid) for each in fuse_mounts(tid, pid)]
            except PermissionError:
                self.unseen.append(f"the mounts of task {tid}")
                return []
            except OSError:
                continue  # gone, or past exit_task_namespaces()
        return []

    def _connections(self, mounts: tuple[Mount, ...]) -> tuple[Connection, ...]:
        names = {mount.connection: mount.fsname for mount in mounts}
        if self.ctl is None:
            self.unseen.append("the waiting requests of the connections (no fusectl filesystem)")
            return tuple(Connection(number, None, name) for number, name in names.items())
        found = []
        hosts = virtiofs_numbers()
        for number in self.ctl.numbers():
            waiting = None
            try:
                waiting = self.ctl.waiting(number)
            except PermissionError:
                pass  # it is there
            except OSError:
                continue  # ended meanwhile
            found.append(Connection(number, waiting, names.get(number), number in hosts))
        return tuple(found)


def _awaits_fuse(task: Task) -> bool:
    return kernel_names.has(task.functions, kernel_names.FUSE_WAIT)


def _plain_task(tid: int, tgid: int) -> Task:
    """All of it but what takes a lock.  Raises FileNotFoundError or ProcessLookupError when the task is gone."""
    stat = procfs.read_stat(tid, tgid)
    status = procfs.read_status(tid, tgid)
    try:
        pid_ns: int | None = procfs.read_namespace(tid, tgid, "pid")
    except (PermissionError, FileNotFoundError):
        pid_ns = None
    return Task(
        tid=tid,
        tgid=tgid,
        ppid=stat.ppid,
        comm=stat.comm,
        state=stat.state,
        flags=stat.flags,
        threads=stat.threads,
        start_time=stat.start_time,
        pid_ns=pid_ns,
        ns_tids=status.ns_tids,
        pending=status.pending,
        shared_pending=status.shared_pending,
        tracer=status.tracer,
        fd_slots=status.fd_slots,
        switches=status.switches,
        wchan=None if stat.state in "ZX" else procfs.read_wchan(tid, tgid),
    )


def _with_stack(task: Task) -> Task:
    """With what may make the reader wait: the stack (`exec_update_lock`), the control group (`cgroup_mutex`)."""
    try:
        frozen = cgroup.frozen_group(task.tid, task.tgid) if _could_be_frozen(task) else None
        return replace(task, frozen=frozen, stack=procfs.read_stack(task.tid, task.tgid))
    except ProcessLookupError:
        return task  # gone since


def _could_be_frozen(task: Task) -> bool:
    """A SIGKILL is pending and it is in D, not on its way out: one of the few reasons is the v1 freezer."""
    return task.state == "D" and task.killed and not task.exiting
