"""One snapshot: every task that matters, every FUSE connection, and who holds which device."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator

from harness.linux import cgroup, procfs
from harness.linux.fusectl import Fusectl
from harness.linux.mountinfo import fuse_mounts, virtiofs_numbers
from harness.linux.patient import Patient
from harness.linux.process import Target
from harness.linux.procfs import GONE, Stat, Status
from harness.linux.syscalls import same_descriptor_table, same_open_file
from harness.model import kernel_names
from harness.model.records import PF_EXITING, Claim, Connection, Device, InFlight, Mount, Snapshot, Task
from harness.observe.census import Census, take_census
from harness.record import replace

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

    def __init__(self, ctl: Fusectl | None, patient: Patient | None = None) -> None:
        """`patient`: of an earlier look, for what it has learned of tasks that make their readers wait."""
        self.ctl = ctl
        self.patient = Patient() if patient is None else patient
        self.taken_ns = time.monotonic_ns()
        self.census: Census = take_census(self.patient)
        self.unreadable = 0
        self.files: list[tuple[int, int]] = []
        self._unseen: list[str] = []
        self._shown: dict[int, Tables] = {}
        self._held: tuple[Device, ...] | None = None
        self._living: tuple[Connection, ...] | None = None
        self._read: dict[int, tuple[Task, ...]] = {}
        self._waiting: dict[int, bool] = {}
        self._seen_mounts: dict[int, list[Mount]] = {}
        self._namespaces: dict[int, int | None] = {}
        self._populations: dict[int | None, list[int]] = {}
        self._born: dict[int, list[int]] = {}

    def snapshots(
        self, targets: tuple[Target, ...], claims: tuple[Claim, ...] = (), names_connections: bool = False
    ) -> tuple[Snapshot, ...]:
        """One a target, all of one reading; `names_connections`: this kernel's fdinfo is known to do so."""
        inside = {target: self.inside(target) for target in targets}
        self.read_tasks(set().union(*inside.values()))
        devices = self.devices()
        in_flight: tuple[InFlight, ...] = ()
        if any(
            kernel_names.awaits_fuse(task.functions)
            for pids in inside.values()
            for pid in pids
            for task in self.tasks(pid)
        ):
            in_flight = tuple(each for pid, shown in self._tables().items() for each in self._in_flight(pid, shown))
        everywhere = {device.tgid for device in devices} | {each.tgid for each in in_flight} | self._exiting()
        relatives = {target: self._relatives(pids) - everywhere for target, pids in inside.items()}
        self.read_tasks(everywhere.union(*relatives.values()))
        common = self._tasks_of(everywhere)
        waiters = self._waiters()
        seen_by_waiters = self._mounts_of(waiters)
        mounts = {target: (*self._mounts_of(pids - waiters), *seen_by_waiters) for target, pids in inside.items()}
        connections = self._named(self.connections(), {mount for seen in mounts.values() for mount in seen})
        names_connections = names_connections or any(device.connection is not None for device in devices)
        unseen = self.unseen()
        return tuple(
            Snapshot(
                self.taken_ns,
                os.uname().release,
                target.pid_ns,
                target.init,
                self._tasks_of(inside[target]),
                (
                    *(task for task in common if task.tgid not in inside[target]),
                    *self._tasks_of(relatives[target] - inside[target]),
                ),
                devices,
                in_flight,
                connections,
                mounts[target],
                claims,
                unseen,
                names_connections,
            )
            for target in targets
        )

    def _tasks_of(self, pids: set[int]) -> tuple[Task, ...]:
        return tuple(task for pid in sorted(pids) for task in self.tasks(pid))

    def _mounts_of(self, pids: set[int]) -> tuple[Mount, ...]:
        return tuple(mount for pid in sorted(pids) for mount in self._mounts(pid))

    def _waiters(self) -> set[int]:
        """Processes, of those that have been read, with a task that waits for FUSE."""
        if len(self._waiting) < len(self._read):
            self._waiting = {
                pid: any(kernel_names.awaits_fuse(task.functions) for task in tasks)
                for pid, tasks in self._read.items()
            }
        return {pid for pid, waits in self._waiting.items() if waits}

    def inside(self, target: Target) -> set[int]:
        """By the namespace link, and by descent, which also reaches the namespaces nested below."""
        init = self.census.get(target.init)
        if init is None or init.stat.start_time != target.start_time:
            return set()
        inside = {target.init}
        if target.pid_ns is not None:
            inside.update(self._members().get(target.pid_ns, ()))
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
            self._namespaces = self.patient.read(self.census, _pid_namespace)
        return self._namespaces

    def _members(self) -> dict[int | None, list[int]]:
        """Processes by their PID namespace."""
        if not self._populations:
            for pid, namespace in self.namespaces().items():
                self._populations.setdefault(namespace, []).append(pid)
        return self._populations

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
        self._read.update(self.patient.read(fresh, _tasks_of))
        for pid in self.patient.held.intersection(fresh):
            self._read[pid] = tuple(_held_task(pid))

    def unseen(self) -> tuple[str, ...]:
        """What could not be read so far, in words."""
        hidden = [f"the descriptors of {self.unreadable} process(es) that we may not look into"]
        held = [
            f"all but the status of process {pid}: an execve() that hangs holds its exec_update_lock"
            for pid in sorted(self.patient.held.intersection(self.census))
        ]
        return (*self._unseen, *held, *(hidden if self.unreadable else ()))

    def devices(self) -> tuple[Device, ...]:
        """Every descriptor of /dev/fuse on the machine."""
        if self._held is None:
            holding = {pid: shown for pid, shown in self._tables().items() if _has_device(shown)}
            found = self.patient.read(holding, lambda pid: tuple(self._devices(pid, holding[pid])))
            self._held = tuple(each for devices in found.values() for each in devices)
        return self._held

    def _tables(self) -> dict[int, Tables]:
        if not self._shown:
            self._shown = self.patient.read(self.census, lambda pid: list(self._tables_of(pid)))
        return self._shown

    def _tables_of(self, pid: int) -> Iterator[tuple[int, list[tuple[int, str]]]]:
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
        if pid not in self._seen_mounts:
            self._seen_mounts[pid] = self._read_mounts(pid)
        return self._seen_mounts[pid]

    def _read_mounts(self, pid: int) -> list[Mount]:
        """From the first task of the process that still has its namespaces."""
        try:
            tids = procfs.tids(pid)
        except GONE:
            return []
        for tid in tids:
            try:
                return [Mount(each.minor, each.source, each.point, tid) for each in fuse_mounts(tid, pid)]
            except PermissionError:
                self._unseen.append(f"the mounts of task {tid}")
                return []
            except OSError:
                continue  # gone, or past exit_task_namespaces()
        return []

    def connections(self) -> tuple[Connection, ...]:
        """All of the machine, as fusectl has them; none where there is no fusectl."""
        if self._living is None:
            self._living = tuple(self._read_connections())
        return self._living

    def _read_connections(self) -> Iterator[Connection]:
        if self.ctl is None:
            self._unseen.append("the waiting requests of the connections (no fusectl filesystem)")
            return
        hosts = virtiofs_numbers()
        for number in self.ctl.numbers():
            waiting = None
            try:
                waiting = self.ctl.waiting(number)
            except PermissionError:
                pass  # it is there
            except OSError:
                continue  # ended meanwhile
            yield Connection(number, waiting, None, number in hosts)

    def _named(self, connections: tuple[Connection, ...], mounts: set[Mount]) -> tuple[Connection, ...]:
        """With what the mounts are called; where fusectl is not to be had, those that are mounted."""
        names = {mount.connection: mount.fsname for mount in mounts}
        if self.ctl is None:
            return tuple(Connection(number, None, name) for number, name in names.items())
        return tuple(replace(each, fsname=names.get(each.number)) for each in connections)


def _has_device(tables: Tables) -> bool:
    return any(procfs.is_fuse_device(name) for _, descriptors in tables for _, name in descriptors)


def _pid_namespace(pid: int) -> int | None:
    try:
        return procfs.read_namespace(pid, pid, "pid")
    except OSError:
        return None  # gone, or not ours to read


def _tasks_of(pid: int) -> tuple[Task, ...]:
    found = []
    with contextlib.suppress(*GONE):
        for tid in procfs.tids(pid):
            with contextlib.suppress(*GONE):
                found.append(read_task(tid, pid))
    return tuple(found)


def _held_task(pid: int) -> Iterator[Task]:
    """By its status alone; execve(2) has left it one thread."""
    with contextlib.suppress(*GONE):
        stat = procfs.read_stat_of_status(pid)
        yield _task(pid, pid, stat, procfs.read_status(pid, pid))


def read_task(tid: int, tgid: int) -> Task:
    """Raises FileNotFoundError or ProcessLookupError when the task is gone."""
    stat = procfs.read_stat(tid, tgid)
    task = _task(tid, tgid, stat, procfs.read_status(tid, tgid))
    zombie = task.zombie
    return replace(
        task,
        held=False,
        pid_ns=_pid_namespace_of(tid, tgid),
        frozen=cgroup.frozen_group(tid, tgid) if _could_be_frozen(task) else None,
        wchan=None if zombie else procfs.read_wchan(tid, tgid),
        stack=None if zombie else procfs.read_stack(tid, tgid),
    )


def _task(tid: int, tgid: int, stat: Stat, status: Status) -> Task:
    return Task(
        tid=tid,
        tgid=tgid,
        ppid=stat.ppid,
        comm=stat.comm,
        state=stat.state,
        flags=stat.flags,
        threads=stat.threads,
        start_time=stat.start_time,
        ns_tids=status.ns_tids,
        pending=status.pending,
        shared_pending=status.shared_pending,
        tracer=status.tracer,
        fd_slots=status.fd_slots,
        switches=status.switches,
        held=True,
    )


def _pid_namespace_of(tid: int, tgid: int) -> int | None:
    try:
        return procfs.read_namespace(tid, tgid, "pid")
    except (PermissionError, FileNotFoundError):
        return None


def _could_be_frozen(task: Task) -> bool:
    """A SIGKILL is pending and it is in D, not on its way out: one of the few reasons is the v1 freezer."""
    return task.state == "D" and task.killed and not task.exiting
