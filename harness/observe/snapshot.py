"""One snapshot: every task that matters, every FUSE connection, and who holds which device."""

from __future__ import annotations

import contextlib
import os
import time
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from harness.linux import cgroup, procfs
from harness.linux.births import Births
from harness.linux.fuse_device import is_fuse_device
from harness.linux.fusectl import Fusectl
from harness.linux.mountinfo import fuse_mounts_of, topmost, virtiofs_of
from harness.linux.process import Target
from harness.linux.procfs import GONE, Stat, Status
from harness.linux.receiving import receives_files
from harness.linux.sched import ERROR_S, about_rested_s
from harness.linux.syscalls import same_descriptor_table, same_open_file, statx_cached
from harness.linux.timed_reader import TimedReader
from harness.model import kernel_names
from harness.model.holders import Awaited, Frozen, PossibleHolder, Relative
from harness.model.records import PF_EXITING, Claim, Connection, Device, Mount, Snapshot, Task
from harness.observe import means
from harness.observe.awaited import awaited, confined
from harness.observe.census import Census, take_census
from harness.observe.instant import Group, Listings, Reported, Search, Shown
from harness.observe.machine import fdinfo_names_connections, invisible, request_timeout
from harness.observe.relations import INSIDE, Relations
from harness.record import replace

_SHOWN = "it is shown there, and nothing shows that it is another connection's"
_MANY = 20
"""Processes that are named one by one where something of them was not read."""


class Kin(NamedTuple):
    """The relations of a target."""

    holders: tuple[PossibleHolder, ...]
    relatives: tuple[Relative, ...] | None


class MountView(NamedTuple):
    """The FUSE mounts that some processes see alike: they have one mount namespace, and one root in it."""

    mounts: tuple[Mount, ...]
    numbers: frozenset[int]
    """Their connections."""
    tids: dict[int, None]
    """A task of each process; the first is the one whose mountinfo was read."""
    hosts: frozenset[int] = frozenset()
    """Connections that the host of this virtual machine answers (virtiofs)."""


class Settled(NamedTuple):
    """The result of the search for an instant without a hidden device."""

    unsettled: tuple[str, ...] = ()
    """Why there was none."""
    devices: tuple[Device, ...] = ()
    """Those that moved to where they were found only then."""
    relatives: tuple[Relative, ...] = ()
    """Processes that were born meanwhile and have one."""


_NO_KIN = Kin((), None)

Tables = list[tuple[int, list[tuple[int, str]]]]
"""A task for each descriptor table of one process, and what that holds."""


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

    def __init__(self, ctl: Fusectl | None, reader: TimedReader | None = None) -> None:
        """`reader`: of an earlier look, for what it has learned of tasks that make their readers wait."""
        self.ctl = ctl
        self.reader = TimedReader() if reader is None else reader
        self.taken_ns = time.monotonic_ns()
        self.census: Census = take_census(self.reader)
        self._denied: set[int] = set()
        self._relations: Relations | None = None
        self._kins: dict[int, Kin] = {}
        self._signs: dict[tuple[int, bool], tuple[means.FoundMeans, ...]] = {}
        self.files: list[tuple[int, int]] = []
        self._unseen: list[str] = []
        self._shown: dict[int, Tables] = {}
        self._read_ns: dict[int, int] = {}
        """When the tables of each process had been read first, by CLOCK_MONOTONIC."""
        self._held: tuple[Device, ...] | None = None
        self._living: tuple[Connection, ...] | None = None
        self._read: dict[int, tuple[Task, ...]] = {}
        self._waiting: dict[int, bool] = {}
        self._slept: dict[int, tuple[float, ...]] = {}
        self._receiving: dict[int, bool] = {}
        self._seers: dict[int, MountView] = {}
        self._by_place: dict[Hashable, MountView] = {}
        self._by_text: dict[str, MountView] = {}
        self._namespaces: dict[int, int | None] = {}
        self._populations: dict[int | None, list[int]] = {}
        self._born: dict[int, list[int]] = {}
        self._sleepers: dict[int, tuple[int, ...]] | None = None

    def snapshots(
        self, targets: tuple[Target, ...], claims: tuple[Claim, ...] = (), names_connections: bool = False
    ) -> tuple[Snapshot, ...]:
        """One a target, all of one reading; `names_connections`: this kernel's fdinfo is known to do so."""
        inside = {target: frozenset(self.inside(target)) for target in targets}
        members: frozenset[int] = frozenset().union(*inside.values())
        self.read_tasks(members)
        launched = frozenset(claim.tgid for claim in claims if not claim.evidence)
        depends = any(kernel_names.depends_on_fuse(task.functions) for pid in members for task in self.tasks(pid))
        devices: tuple[Device, ...] = ()
        clients: set[int] = set()
        if launched:
            devices = self._devices_of(members | launched)
        elif depends or any(task.held for pid in members for task in self.tasks(pid)):
            devices = self.devices()
            clients = self._clients(members)
        everywhere = {device.tgid for device in devices} | self._exiting() | clients
        everywhere |= self._waiters().intersection(members)  # those of the other targets
        kin = {target: self._kin(pids) if depends and not launched else _NO_KIN for target, pids in inside.items()}
        outcomes = self._settle(kin.values())
        moved = {target: outcomes.get(id(each), Settled()) for target, each in kin.items()}
        shown = {*devices, *(device for each in moved.values() for device in each.devices)}
        names_connections = names_connections or any(device.connection is not None for device in shown)
        if not names_connections and not launched and shown:
            names_connections = fdinfo_names_connections()
        everywhere.update(holder.tgid for each in kin.values() for holder in each.holders if holder.way)
        relatives = {target: self._reapers(pids) - everywhere for target, pids in inside.items()}
        self.read_tasks(everywhere.union(*relatives.values()))
        common = self._tasks_of(everywhere)
        owners = [task.tgid for task in common]
        waiters = self._waiters()
        self._see(members | waiters)
        views = self._views(members | waiters, kin.values())
        mounts = tuple(mount for view in views for mount in view.mounts)
        same_mounts = tuple(tuple(view.tids) for view in views)
        connections = self._named(self.connections(), mounts)
        awaited = () if launched else tuple(self._awaited(waiters))
        settled = () if launched else tuple(self._confined(waiters))
        frozen = tuple(self._frozen(everywhere | members))
        unseen = self.unseen()
        hidden = () if launched else invisible()
        return tuple(
            Snapshot(
                taken_ns=self.taken_ns,
                release=os.uname().release,
                pid_ns=target.pid_ns,
                init_tid=target.init,
                tasks=self._tasks_of(inside[target]),
                others=(*_without(common, owners, inside[target]), *self._tasks_of(relatives[target] - inside[target])),
                devices=(*devices, *moved[target].devices),
                connections=connections,
                mounts=mounts,
                same_mounts=same_mounts,
                claims=claims,
                unseen=unseen,
                names_connections=names_connections,
                holders=kin[target].holders,
                relatives=_joined(kin[target].relatives, moved[target].relatives),
                unsettled=moved[target].unsettled,
                awaited=awaited,
                confined=settled,
                invisible=hidden,
                request_timeout=request_timeout(),
                frozen=tuple(each for each in frozen if each.tgid in everywhere or each.tgid in inside[target]),
            )
            for target in targets
        )

    def _kin(self, inside: frozenset[int]) -> Kin:
        """The relatives of a target, and who may hold a device without showing it."""
        if self._relations is None:
            self._relations = Relations(self.census, self.reader)
        ways = self._relations.ways(inside)
        if id(ways) not in self._kins:
            self.read_tasks(ways)
            self._read_signs(ways)
            self._kins[id(ways)] = Kin(tuple(self._holders(ways)), tuple(self._watched(ways)))
        return self._kins[id(ways)]

    def mount_namespaces(self) -> dict[int, list[int]]:
        """Return the processes of each mount namespace."""
        if self._relations is None:
            self._relations = Relations(self.census, self.reader)
        return self._relations.by_mount_namespace()

    def _views(self, pids: frozenset[int], kins: Iterable[Kin]) -> list[MountView]:
        """Those of these processes; and the one of every other mount namespace of the machine, with the relatives in
        it."""
        firsts: list[int] = []
        related = {relative.pid for kin in kins for relative in kin.relatives or ()}
        if self._relations is not None:
            namespaces = self._relations.by_mount_namespace().values()
            firsts = [next((pid for pid in there if pid in pids), there[0]) for there in namespaces]
            self._see(firsts)
            for place, there in enumerate(namespaces):
                view = self._seers.get(firsts[place])
                if view is not None and view.mounts:
                    view.tids.update(dict.fromkeys(related.intersection(there)))
        views = (self._seers[pid] for pid in (*sorted(pids), *firsts) if pid in self._seers)
        found = {id(view): view for view in views if view.mounts}
        return sorted(found.values(), key=lambda view: view.mounts[0].seen_by)

    def _holders(self, ways: dict[int, str]) -> Iterator[PossibleHolder]:
        serving = {device.tgid for device in self.devices() if device.connection is not None}
        for pid in sorted(self.census):
            way = ways.get(pid, "")
            for name, sign in self._signs.get((pid, bool(way)), ()):
                comm = self.census[pid].stat.comm
                shown = _SHOWN if sign.device and pid not in serving else ""
                if sign.possible:
                    yield PossibleHolder(pid, sign.tid, comm, name, sign.evidence, way or shown)
                elif way and self._woken(sign.slept_s, ways):
                    evidence = f"{sign.evidence}; it ran last when a request was queued, as one who polls the device"
                    yield PossibleHolder(pid, sign.tid, comm, name, evidence, way)
                elif way:
                    yield PossibleHolder(pid, sign.tid, comm, f"{name}-unlikely", sign.evidence)

    def _read_signs(self, ways: dict[int, str]) -> None:
        """The findings of the probes in each process, once for all targets; a probe may wait as any reader may."""
        for related in (True, False):
            pids = [pid for pid in self.census if (pid in ways) is related and (pid, related) not in self._signs]
            read = self.reader.read(pids, lambda pid, related=related: self._found(pid, related))  # type: ignore[misc]
            self._signs.update({(pid, related): signs for pid, signs in read.items()})
        for pid in self.reader.held.intersection(self.census):
            for related in (True, False):
                self._signs[pid, related] = self._found(pid, related)

    def _found(self, pid: int, related: bool) -> tuple[means.FoundMeans, ...]:
        return tuple(means.found(self._process(pid, related)))

    def _process(self, pid: int, related: bool) -> means.ProbedProcess:
        tables = self._tables()
        return means.ProbedProcess(
            pid,
            self.census[pid].threads,
            tables.get(pid, []),
            self._unread(pid),
            self.tasks(pid) if related else (),
            related,
            lambda: self._shares_table(pid),
        )

    def _woken(self, slept_s: float | None, ways: dict[int, str]) -> bool:
        """Return whether a task ran last when a request was queued by one of those inside, by a relative, or by one who
        sees a mount of theirs."""
        if slept_s is None:
            return False
        sleepers = self.fuse_sleepers()
        self._see(sleepers)
        seen = frozenset[int]().union(*(self._view(pid).numbers for pid in sleepers if ways.get(pid) == INSIDE))
        near = (pid for pid in sleepers if pid in ways or seen & self._view(pid).numbers)
        return any(abs(slept_s - waited) <= 2 * ERROR_S for pid in near for waited in self._slept_s(pid))

    def _slept_s(self, pid: int) -> tuple[float, ...]:
        """Seconds that the tasks of a process have waited for FUSE."""
        if pid not in self._slept:
            tids = self.fuse_sleepers().get(pid, ())
            slept = (about_rested_s(tid, pid, self.processor(pid, tid)) for tid in tids)
            self._slept[pid] = tuple(seconds for seconds in slept if seconds is not None)
        return self._slept[pid]

    def _unread(self, pid: int) -> str:
        """Why the descriptor tables of a process were not read; empty where they were, or it has none any more."""
        if pid in self._denied:
            return "we may not look into it"
        if pid in self.reader.unreached:
            return "no reader came to it in the time that a look may take"
        if pid in self.reader.held:
            return "its reader waits, as it does for an execve() under way, which holds the exec_update_lock"
        return ""

    def _shares_table(self, pid: int) -> bool:
        """Return True where another process that was read uses the descriptor table of this one (CLONE_FILES)."""
        others = [other for other in self._read if other != pid and other not in self.reader.held]
        return any(same_descriptor_table(pid, other) for other in others)

    def _watched(self, ways: dict[int, str]) -> Iterator[Relative]:
        for pid, way in sorted(ways.items()):
            process = self.census.get(pid)
            if process is not None and way != INSIDE:
                yield Relative(pid, process.stat.start_time, way)

    def _settle(self, kins: Iterable[Kin]) -> dict[int, Settled]:
        """For each kin, by its identity: was there an instant at which nobody had a device beyond those shown?"""
        groups = {}
        adopters: set[int] = set()
        for each in {id(each): each for each in kins}.values():
            if each.relatives is not None:
                related = frozenset(relative.pid for relative in each.relatives)
                adopters.update(kin.pid for kin in each.relatives if kin.way.startswith("an ancestor"))
                groups[id(each)] = Group(related, frozenset(pid for pid in related if self._receives(pid)))
        if not groups:
            return {}
        known = {pid: self._read_ns.get(pid, 0) for pid in self.census}
        listings = Listings(self.census, self.taken_ns, {0, 1, *adopters})
        births = Births.listen()
        search = Search(listings if births is None else Reported(births, listings), known, self._read_again)
        with births or contextlib.nullcontext():
            missing = search.search(groups)
        found = tuple(search.devices.values())
        return {
            key: Settled(why, found, tuple(self._late(search.descended(groups[key].related), found)))
            for key, why in missing.items()
        }

    def _late(self, descended: set[int], devices: tuple[Device, ...]) -> Iterator[Relative]:
        """Relatives that were born meanwhile, and have a device."""
        for pid in sorted({device.tgid for device in devices}):
            if pid in descended:
                yield Relative(pid, 0, "it was born of a relative while the others were read")

    def _receives(self, pid: int) -> bool:
        if pid not in self._receiving:
            self._receiving[pid] = self._has_receiver(pid)
        return self._receiving[pid]

    def _has_receiver(self, pid: int) -> bool:
        tables = self._tables().get(pid, [])
        return any(receives_files(tid, pid, fd, name) for tid, table in tables for fd, name in table)

    def _read_again(self, pids: Iterable[int]) -> dict[int, Shown | None]:
        answers: dict[int, Shown | None] = {
            pid: shown for pid, shown in self.reader.read(pids, self._shown_now).items() if shown is not None
        }
        answers.update((pid, None) for pid in pids if pid in self.reader.held or pid in self._denied)
        return answers

    def _shown_now(self, pid: int) -> Shown | None:
        """None where the process has gone, or may not be looked into."""
        tables = list(self._tables_of(pid))
        if not tables:
            return None
        devices = {(device.fd, device.connection) for device in self.devices() if device.tgid == pid}
        signs = {found.means for found in self._signs.get((pid, True), ())}
        found = means.ProbedProcess(pid, {}, tables, "", (), False, lambda: False)
        fresh = [each.sign.evidence for each in means.found(found) if each.means not in signs]
        new = tuple(each for each in self._devices(pid, tables) if (each.fd, each.connection) not in devices)
        received = any(receives_files(tid, pid, fd, name) for tid, table in tables for fd, name in table)
        return Shown(time.monotonic_ns(), received, new, "; ".join(fresh))

    def _clients(self, members: frozenset[int]) -> set[int]:
        """Every process with a task that waits for FUSE, by its wait channel: whose requests are counted in
        `waiting`."""
        return (self.fuse_sleepers().keys() | self.reader.held.intersection(self.census)) - members

    def processor(self, pid: int, tid: int) -> int | None:
        """The CPU on which a task ran last; None where this look did not read it."""
        process = self.census.get(pid)
        stat = process.threads.get(tid) if process is not None else None
        return stat.processor if stat is not None else None

    def fuse_sleepers(self) -> dict[int, tuple[int, ...]]:
        """The tasks whose wait channel is a wait for FUSE, by their process; every task is asked once in a look."""
        if self._sleepers is None:
            asleep = {
                pid: [tid for tid, thread in process.threads.items() if thread.state in "SD"]
                for pid, process in self.census.items()
                if pid not in self._read
            }
            waits = self.reader.read(asleep, lambda pid: _fuse_sleepers(asleep[pid], pid))
            for pid, tasks in self._read.items():
                waits[pid] = tuple(task.tid for task in tasks if kernel_names.awaits_fuse(task.functions))
            self._sleepers = {pid: tids for pid, tids in waits.items() if tids}
        return self._sleepers

    def _frozen(self, pids: set[int]) -> Iterator[Frozen]:
        """The frozen groups of those read, a task each."""
        for pid in sorted(pids):
            for task in self.tasks(pid):
                if task.frozen is not None or kernel_names.may_be_frozen(task.functions):
                    found = self.reader.read([pid], lambda pid, tid=task.tid: cgroup.thawing(tid, pid))  # type: ignore[misc]
                    how = found.get(pid)
                    if how is not None:
                        yield Frozen(task.tid, pid, *how)
                        break

    def _confined(self, waiters: set[int]) -> Iterator[int]:
        """Tasks that wait in a call on a mount that they see, for they have nothing open elsewhere."""
        numbers = frozenset(each.number for each in self.connections())

        def of_process(pid: int) -> list[int]:
            tables = dict(self._tables().get(pid, ()))
            seen = self._view(pid).numbers
            whole = [descriptor for table in tables.values() for descriptor in table]
            tasks = [task for task in self.tasks(pid) if kernel_names.awaits_fuse(task.functions)]
            return [task.tid for task in tasks if tables and confined(task, whole, seen, numbers)]

        for found in self.reader.read(sorted(waiters), of_process).values():
            yield from found

    def _awaited(self, waiters: set[int]) -> Iterator[Awaited]:
        for found in self.reader.read(sorted(waiters), lambda pid: tuple(_shown(self.tasks(pid)))).values():
            yield from found

    def _tasks_of(self, pids: Iterable[int]) -> tuple[Task, ...]:
        return tuple(task for pid in sorted(pids) for task in self.tasks(pid))

    def _waiters(self) -> set[int]:
        """Processes, of those that have been read, with a task that waits for FUSE."""
        if len(self._waiting) < len(self._read):
            self._waiting = {
                pid: any(task.held or kernel_names.depends_on_fuse(task.functions) for task in tasks)
                for pid, tasks in self._read.items()
            }
        return {pid for pid, waits in self._waiting.items() if waits}

    def inside(self, target: Target) -> set[int]:
        """Finds them by the namespace link, and by descent, which also reaches the namespaces nested below."""
        init = self.census.get(target.init)
        if init is None or (init.stat.start_time != target.start_time and target.init not in self.reader.held):
            return set()  # a process whose stat cannot be read has no start time, and is there all the same
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
            self._namespaces = self.reader.read(self.census, _pid_namespace)
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
        self._read.update(self.reader.read(fresh, _tasks_of))
        for pid in self.reader.held.intersection(fresh):
            self._read[pid] = tuple(_held_task(pid))

    def unseen(self) -> tuple[str, ...]:
        """The parts that could not be read so far, in words."""
        hidden = [f"the descriptors of {len(self._denied)} process(es) that we may not look into"]
        held = [
            f"all but the status of process {pid}: {self._unread(pid)}"
            for pid in sorted(self.reader.held.intersection(self.census))
        ]
        return (*self._unseen, *_some(held), *(hidden if self._denied else ()))

    def devices(self) -> tuple[Device, ...]:
        """Every descriptor of a FUSE device on the machine."""
        if self._held is None:
            self._held = self._devices_of(self.census)
        return self._held

    def _devices_of(self, pids: Iterable[int]) -> tuple[Device, ...]:
        tables = self._tables(pids)
        named = {pid: tables[pid] for pid in pids if pid in tables}
        found = self.reader.read(named, lambda pid: tuple(self._devices(pid, named[pid])))
        return tuple(each for devices in found.values() for each in devices)

    def _tables(self, pids: Iterable[int] | None = None) -> dict[int, Tables]:
        """Those of the processes that are named, each process read once; of all that were read where none is."""
        if pids is not None:
            fresh = [pid for pid in pids if pid not in self._shown and pid in self.census]
            self._shown.update(self.reader.read(fresh, lambda pid: list(self._tables_of(pid))))
        return self._shown

    def _tables_of(self, pid: int) -> Iterator[tuple[int, list[tuple[int, str]]]]:
        """(tid, descriptors) once for each descriptor table of the process; kcmp(2) tells which threads share one.

        A thread that vanishes while its table is read does not count as having shown it: another one that shares the
        table is read in its place.
        """
        shown: list[int] = []
        try:
            for tid in self.census[pid].threads if pid in self.census else procfs.tids(pid):
                if any(same_descriptor_table(tid, other) for other in shown):
                    continue
                try:
                    descriptors = procfs.read_descriptors(tid, pid)
                except GONE:
                    continue
                shown.append(tid)
                yield tid, descriptors
            self._read_ns.setdefault(pid, time.monotonic_ns())
        except GONE:
            return
        except PermissionError:
            self._denied.add(pid)

    def _devices(self, pid: int, tables: Tables) -> Iterator[Device]:
        for tid, descriptors in tables:
            for fd, name in descriptors:
                if not is_fuse_device(tid, pid, fd, name):
                    continue
                with contextlib.suppress(*GONE):
                    text = procfs.read_fdinfo(tid, pid, fd)
                    if procfs.is_path_only(text):
                        continue
                    connection = procfs.parse_fdinfo_connection(text)
                    file = self._number_of_file(tid, fd) if connection is None else None
                    yield Device(tid, pid, fd, connection, file)

    def _number_of_file(self, tid: int, fd: int) -> int:
        """The same for two descriptors only if kcmp(2) says that they are one open file."""
        for number, (other_tid, other_fd) in enumerate(self.files):
            if same_open_file(tid, fd, other_tid, other_fd):
                return number
        self.files.append((tid, fd))
        return len(self.files) - 1

    def _exiting(self) -> set[int]:
        """Processes with a task that is past the kill and not yet dead: its table may be detached, its work not."""
        return {
            pid
            for pid, process in self.census.items()
            if any(thread.flags & PF_EXITING and thread.state not in "ZX" for thread in process.threads.values())
        }

    def _reapers(self, pids: Iterable[int]) -> set[int]:
        """Parents and tracers outside: who must reap."""
        tasks = (task for pid in pids for task in self.tasks(pid))
        return {number for task in tasks for number in (task.ppid, task.tracer) if number}

    def mounts(self, pid: int) -> tuple[Mount, ...]:
        """The FUSE mounts that a process sees; each view is read once."""
        if pid not in self._seers:
            self._see([pid])
        return self._view(pid).mounts

    def _see(self, pids: Iterable[int]) -> None:
        """Read what these processes see."""
        fresh = sorted(pid for pid in pids if pid not in self._seers)
        self.reader.read(fresh, self._view)
        for pid in self.reader.held.intersection(fresh):
            self._view(pid)

    def _view(self, pid: int) -> MountView:
        if pid not in self._seers:
            self._seers[pid] = self._read_view(pid)
        return self._seers[pid]

    def _read_view(self, pid: int) -> MountView:
        """From the first task of the process that still has its namespaces."""
        try:
            tids = procfs.tids(pid)
        except GONE:
            return _BLIND
        for tid in tids:
            place = None if pid in self.reader.held else _place(tid, pid)
            try:
                if place is None or place not in self._by_place:
                    view = self._view_of(procfs.read(f"/proc/{pid}/task/{tid}/mountinfo"), tid)
                    if place is None:
                        view.tids[tid] = None
                        return view
                    self._by_place.setdefault(place, view)
            except PermissionError:
                self._unseen.append(f"the mounts of task {tid}")
                return _BLIND
            except OSError:
                continue  # gone, or past exit_task_namespaces()
            self._by_place[place].tids[tid] = None
            return self._by_place[place]
        return _BLIND

    def _view_of(self, text: str, tid: int) -> MountView:
        """Two texts with the same numbers of mounts are of one namespace (mnt_alloc_id(), fs/namespace.c)."""
        entries = fuse_mounts_of(text)
        tops = topmost((each.point for each in entries), text)
        mounts = tuple(
            Mount(each.device, each.source, each.point, tid, tops.get(each.point, each.id) != each.id)
            for each in entries
        )
        hosts = virtiofs_of(text)
        shown = repr([(each.id, each.point, tops.get(each.point)) for each in entries] + sorted(hosts))
        return self._by_text.setdefault(
            shown, MountView(mounts, frozenset(each.device for each in entries), {tid: None}, hosts)
        )

    def connections(self) -> tuple[Connection, ...]:
        """All of the machine, as fusectl has them; none where there is no fusectl."""
        if self._living is None:
            self._living = tuple(self._read_connections())
        return self._living

    def _read_connections(self) -> Iterator[Connection]:
        if self.ctl is None:
            self._unseen.append("the waiting requests of the connections (no fusectl filesystem)")
            return
        hosts = self._view(os.getpid()).hosts
        for number in self.ctl.numbers():
            waiting = None
            try:
                waiting = self.ctl.waiting(number)
            except PermissionError:
                pass  # it is there
            except OSError:
                continue  # ended meanwhile
            yield Connection(number, waiting, None, number in hosts)

    def _named(self, connections: tuple[Connection, ...], mounts: tuple[Mount, ...]) -> tuple[Connection, ...]:
        """With what the mounts are called; where fusectl is not to be had, those that are mounted."""
        names = {mount.connection: mount.fsname for mount in mounts}
        if self.ctl is None:
            return tuple(Connection(number, None, name) for number, name in names.items())
        return tuple(replace(each, fsname=names.get(each.number)) for each in connections)


_BLIND = MountView((), frozenset(), {})
"""The mounts of a process that has left its namespaces, or whose mounts we may not read."""


def _place(tid: int, tgid: int) -> Hashable | None:
    """The mount namespace of a task and its root in it, which mountinfo depends on alone; None where it cannot be told.

    seq_show of mountinfo prints the mounts of the namespace that the root reaches (show_mountinfo(),
    fs/proc_namespace.c).
    """
    folder = f"/proc/{tgid}/task/{tid}"
    try:
        root = statx_cached(f"{folder}/root").mount
        return (procfs.read_namespace(tid, tgid, "mnt"), os.readlink(f"{folder}/root"), root) if root else None
    except OSError:
        return None


def _without(tasks: tuple[Task, ...], owners: list[int], tgids: frozenset[int]) -> tuple[Task, ...]:
    """The tasks of other processes; cheap where there are thousands, and one process of them is left out.

    Args:
        tasks: In the order of their processes.
        owners: The process of each.
        tgids: Those to leave out.
    """
    if len(tgids) == 1:
        (tgid,) = tgids
        return (*tasks[: bisect_left(owners, tgid)], *tasks[bisect_right(owners, tgid) :])
    return tuple(task for task in tasks if task.tgid not in tgids)


def _joined(relatives: tuple[Relative, ...] | None, late: tuple[Relative, ...]) -> tuple[Relative, ...] | None:
    return None if relatives is None else (*relatives, *late)


def _shown(tasks: tuple[Task, ...]) -> Iterator[Awaited]:
    for task in tasks:
        if kernel_names.awaits_fuse(task.functions) and not task.exiting:
            found = awaited(task)
            if found is not None:
                yield found


def _some(texts: list[str]) -> list[str]:
    """The first of them, and how many more there are."""
    return texts if len(texts) <= _MANY else [*texts[:_MANY], f"the same of {len(texts) - _MANY} more processes"]


def _fuse_sleepers(tids: list[int], pid: int) -> tuple[int, ...]:
    found = []
    for tid in tids:
        with contextlib.suppress(*GONE):
            if procfs.read_wchan(tid, pid) in kernel_names.FUSE_WAIT:
                found.append(tid)
    return tuple(found)


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
    """The task by its status alone; execve(2) has left it one thread."""
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
