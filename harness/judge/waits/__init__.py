"""Why a task does not run: one reason a file.

Each module has `ORDER` (lower is asked first) and `explain(task, view) -> Wait | None`, pure.  The first that
answers wins; `waitgraph` has the answer for what none of them knows.
"""

from __future__ import annotations

import functools

from harness.judge.requests import Requests
from harness.model import kernel_names
from harness.model.records import Connection, Device, Mount, Need, Progress, Snapshot, Strength, Task
from harness.record import record


def task_id(tid: int) -> str:
    return f"task:{tid}"


def connection_id(number: int) -> str:
    return f"connection:{number}"


def elsewhere_id(number: int) -> str:
    """Names who keeps a device of this connection and is not known."""
    return f"elsewhere:{number}"


WAITING_CONNECTIONS = "any:waiting connections"
INVISIBLE = "invisible:processes"
"""Names the processes that cannot be seen from where the machine was read."""
DETACHED_TABLES = "any:detached tables"
"""A node shared by many equal waits: without it, a machine with n such hangs has a graph of n² edges."""


def counting(waiting: int | None) -> str:
    """The words for a connection's number of waiting requests."""
    return "whose waiting requests cannot be read" if waiting is None else f"that counts waiting requests ({waiting})"


@record(frozen=True, slots=True)
class For:
    """One thing that is waited for."""

    target: str
    strength: Strength
    evidence: str


@record(frozen=True, slots=True)
class Wait:
    need: Need
    progress: Progress
    why: str
    targets: tuple[For, ...] = ()


class View:
    """A snapshot with the look-ups that the reasons need."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.all = (*snapshot.tasks, *snapshot.others)
        self.by_tid = {task.tid: task for task in self.all}
        self.inside = {task.tid for task in snapshot.tasks}
        self._groups: dict[int, list[Task]] = {}
        for task in self.all:
            self._groups.setdefault(task.tgid, []).append(task)
        self._connections = {each.number: each for each in snapshot.connections}
        self._seers: dict[int, list[Mount]] = {}
        for mount in snapshot.mounts:
            seer = self.by_tid.get(mount.seen_by)
            if seer is not None:
                self._seers.setdefault(seer.tgid, []).append(mount)
        self.launched = tuple(dict.fromkeys(each.connection for each in snapshot.claims if not each.evidence))
        """Connections of which the launcher knows every process that ever had the device."""

    @functools.cached_property
    def ways(self) -> dict[int, str] | None:
        """The way by which a device can have come to each PID; None if nobody looked: then any process may have one."""
        relatives = self.snapshot.relatives
        return None if relatives is None else {each.pid: each.way for each in relatives}

    @functools.cached_property
    def requests(self) -> Requests:
        """The requests that are waited for, matched with the connections."""
        return Requests(self)

    def related(self, tgid: int) -> bool:
        """True if a device of the namespace can have come to this process."""
        return self.ways is None or tgid in self.ways or tgid in self.inside

    def sees(self, tgid: int, number: int) -> bool:
        """True if the process has the connection's mount in its mount namespace."""
        return any(mount.connection == number for mount in self._seers.get(tgid, ()))

    def reaches(self, number: int) -> bool:
        """True if a file of this connection can have come to a task of the namespace without its mount."""
        seers = [mount.seen_by for mount in self.snapshot.mounts if mount.connection == number]
        keepers = [device.tgid for device in self.snapshot.devices if device.connection == number]
        return not seers or any(self.related(tid) for tid in (*seers, *keepers))

    @functools.cached_property
    def detached(self) -> tuple[Task, ...]:
        """Tasks that may keep a device in a table that nobody sees any more: they close their files, and wait."""
        return tuple(task for task in self.all if self._keeps_detached(task))

    def _keeps_detached(self, task: Task) -> bool:
        if task.zombie or kernel_names.has(task.functions, kernel_names.ZAP):
            return False
        if task.exiting:
            return task.fd_slots in (0, None) and (self.snapshot.pid_ns is None or task.tid != self.snapshot.init_tid)
        return kernel_names.has(task.functions, kernel_names.CLOSING)

    def threads(self, tgid: int) -> tuple[Task, ...]:
        return tuple(self._groups.get(tgid, ()))

    def leaders(self) -> tuple[Task, ...]:
        return tuple(task for task in self.snapshot.tasks if task.leader)

    def leaders_below(self, init: Task) -> tuple[Task, ...]:
        """The tasks of the namespace whose init this is: the whole one, or those below it in a nested one."""
        leaders = [task for task in self.leaders() if task.tgid != init.tgid]
        if init.tgid == self._init_tgid:
            return tuple(leaders)
        children: dict[int, list[Task]] = {}
        for task in leaders:
            children.setdefault(task.ppid, []).append(task)
        found = {task.tid: task for task in leaders if task.pid_ns is not None and task.pid_ns == init.pid_ns}
        todo = [*children.get(init.tgid, ()), *found.values()]
        while todo:
            task = todo.pop()
            found[task.tid] = task
            todo.extend(each for each in children.get(task.tid, ()) if each.tid not in found)
        return tuple(found.values())

    @functools.cached_property
    def _init_tgid(self) -> int:
        init = self.by_tid.get(self.snapshot.init_tid)
        return self.snapshot.init_tid if init is None else init.tgid

    def connection(self, number: int) -> Connection | None:
        return self._connections.get(number)

    def mounts_of(self, tgid: int) -> tuple[Mount, ...]:
        """FUSE mounts in the mount namespace of a process, as far as one of its tasks could be read."""
        return tuple(self._seers.get(tgid, ()))

    def holders(self, number: int) -> tuple[Device, ...]:
        """Descriptors known to serve this connection: by fdinfo, or by what the launcher claims."""
        claimed = {claim.tgid for claim in self.snapshot.claims if claim.connection == number}
        return tuple(
            device
            for device in self.snapshot.devices
            if device.connection == number or (device.connection is None and device.tgid in claimed)
        )

    def unnamed_devices(self) -> tuple[Device, ...]:
        """Descriptors of which neither the kernel nor the launcher says whom they serve.

        On a kernel that names connections there are none: what names none is not mounted yet, and answers nobody.
        """
        if self.snapshot.names_connections:
            return ()
        claimed = {claim.tgid for claim in self.snapshot.claims}
        return tuple(
            device for device in self.snapshot.devices if device.connection is None and device.tgid not in claimed
        )
