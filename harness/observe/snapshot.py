"""One snapshot: every task that matters, every FUSE connection, and who holds which device."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from harness import kernel_names
from harness.linux import cgroup, procfs
from harness.linux.fusectl import Fusectl
from harness.linux.mountinfo import fuse_mounts, virtiofs_numbers
from harness.linux.procfs import GONE, Stat, Status
from harness.linux.syscalls import same_descriptor_table, same_open_file
from harness.model import (
    PF_EXITING,
    PF_KTHREAD,
    SIGKILL_MASK,
    Claim,
    Connection,
    Device,
    InFlight,
    Mount,
    Snapshot,
    Task,
)
from harness.target import Target

Tables = list[tuple[int, list[tuple[int, str]]]]
"""Of one process: a task for each descriptor table, and what that holds."""


def observe(
    target: Target, ctl: Fusectl | None, claims: tuple[Claim, ...] = (), earlier: Snapshot | None = None
) -> Snapshot:
    """The whole machine is looked over once: a FUSE device can be held by any process, wherever it lives.

    `earlier`: a snapshot of the same boot, for what it has shown of this kernel.
    """
    return _Survey(target, ctl).snapshot(claims, earlier is not None and earlier.names_connections)


class _Survey:
    def __init__(self, target: Target, ctl: Fusectl | None) -> None:
        self.target = target
        self.ctl = ctl
        self.unreadable = 0
        self.files: list[tuple[int, int]] = []
        self.unseen: list[str] = []

    def snapshot(self, claims: tuple[Claim, ...], names_connections: bool) -> Snapshot:
        taken = time.monotonic_ns()
        processes = self._processes()
        inside = self._inside(processes)
        tasks = tuple(task for pid in sorted(inside) for task in self._tasks(pid))
        tables = {pid: list(self._tables(pid)) for pid in processes}
        devices = tuple(each for pid, shown in tables.items() for each in self._devices(pid, shown))
        in_flight: tuple[InFlight, ...] = ()
        if any(kernel_names.has(task.functions, kernel_names.FUSE_WAIT) for task in tasks):
            in_flight = tuple(each for pid, shown in tables.items() for each in self._in_flight(pid, shown))
        outside = (
            {device.tgid for device in devices}
            | {each.tgid for each in in_flight}
            | self._exiting(processes)
            | self._relatives(tasks)
        )
        others = tuple(task for pid in sorted(outside - inside) for task in self._tasks(pid))
        elsewhere = {task.tgid for task in others if kernel_names.has(task.functions, kernel_names.FUSE_WAIT)}
        mounts = tuple(mount for pid in sorted(inside | elsewhere) for mount in self._mounts(pid))
        connections = self._connections(mounts)
        if self.unreadable:
            self.unseen.append(f"the descriptors of {self.unreadable} process(es) that we may not look into")
        return Snapshot(
            taken,
            os.uname().release,
            self.target.pid_ns,
            self.target.init,
            tasks,
            others,
            devices,
            in_flight,
            connections,
            mounts,
            claims,
            tuple(self.unseen),
            names_connections or any(device.connection is not None for device in devices),
        )

    def _processes(self) -> dict[int, Stat]:
        found = {}
        for pid in procfs.pids():
            try:
                stat = procfs.read_process_stat(pid)
            except GONE:
                continue
            if not stat.flags & PF_KTHREAD:
                found[pid] = stat
        return found

    def _inside(self, processes: dict[int, Stat]) -> set[int]:
        """By the namespace link, and by descent, which also reaches the namespaces nested below."""
        init = processes.get(self.target.init)
        if init is None or init.start_time != self.target.start_time:
            return set()
        inside = set()
        for pid in processes if self.target.pid_ns is not None else ():
            try:
                if procfs.read_namespace(pid, pid, "pid") == self.target.pid_ns:
                    inside.add(pid)
            except (*GONE, PermissionError):
                continue
        inside.add(self.target.init)
        grown = True
        while grown:
            below = {pid for pid, stat in processes.items() if stat.ppid in inside} - inside
            inside |= below
            grown = bool(below)
        return inside

    def _tasks(self, pid: int) -> Iterator[Task]:
        try:
            tids = procfs.tids(pid)
        except GONE:
            return
        for tid in tids:
            try:
                yield read_task(tid, pid)
            except GONE:
                continue

    def _tables(self, pid: int) -> Iterator[tuple[int, list[tuple[int, str]]]]:
        """(tid, descriptors) once for each descriptor table of the process; kcmp(2) tells which threads share one.

        A thread that vanishes while its table is read does not count as having shown it: another one that shares the
        table is read in its place.
        """
        shown: list[int] = []
        try:
            for tid in procfs.tids(pid):
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

    def _exiting(self, processes: dict[int, Stat]) -> set[int]:
        """Processes with a task that is past the kill and not yet dead: its table may be detached, its work not."""
        found = set()
        for pid, stat in processes.items():
            if stat.threads == 1:
                if stat.flags & PF_EXITING and stat.state not in "ZX":
                    found.add(pid)
                continue
            if any(thread.flags & PF_EXITING and thread.state not in "ZX" for thread in self._threads(pid)):
                found.add(pid)
        return found

    def _threads(self, pid: int) -> Iterator[Stat]:
        with contextlib.suppress(*GONE):
            for tid in procfs.tids(pid):
                with contextlib.suppress(*GONE):
                    yield procfs.read_stat(tid, pid)

    def _relatives(self, tasks: tuple[Task, ...]) -> set[int]:
        """Parents and tracers outside: who must reap."""
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


def read_task(tid: int, tgid: int) -> Task:
    """Raises FileNotFoundError or ProcessLookupError when the task is gone."""
    stat = procfs.read_stat(tid, tgid)
    status = procfs.read_status(tid, tgid)
    try:
        pid_ns: int | None = procfs.read_namespace(tid, tgid, "pid")
    except (PermissionError, FileNotFoundError):
        pid_ns = None
    zombie = stat.state in "ZX"
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
        frozen=cgroup.frozen_group(tid, tgid) if _could_be_frozen(stat, status) else None,
        wchan=None if zombie else procfs.read_wchan(tid, tgid),
        stack=None if zombie else procfs.read_stack(tid, tgid),
    )


def _could_be_frozen(stat: Stat, status: Status) -> bool:
    """A SIGKILL is pending and it is in D, not on its way out: one of the few reasons is the v1 freezer."""
    killed = bool((status.pending | status.shared_pending) & SIGKILL_MASK)
    return stat.state == "D" and killed and not stat.flags & PF_EXITING
