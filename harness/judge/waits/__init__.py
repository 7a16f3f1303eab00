"""Why a task does not run: one reason a file.

Each module has `ORDER` (lower is asked first) and `explain(task, view) -> Wait | None`, pure.  The first that
answers wins; `waitgraph` has the answer for what none of them knows.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from harness.judge.requests import Requests
from harness.model import kernel_names
from harness.model.records import Connection, Device, Mount, Need, Progress, Snapshot, Strength, Task, tid_of
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
MANY_CONNECTIONS = 8
"""Candidates that a wait names one by one; more are one node."""
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


def is_group(node: str) -> bool:
    """True if a node stands for any one of several connections."""
    return node == WAITING_CONNECTIONS or (node.startswith("any:") and " connections " in node)


def _named_group(numbers: tuple[int, ...]) -> str:
    """The same name in both snapshots of a pair: the connections make it."""
    return f"any:{len(numbers)} connections {_digest(sorted(numbers))}"


def _digest(numbers: Iterable[int]) -> str:
    """The hash of integers is the same in every process; that of a text is not."""
    return f"{hash(tuple(numbers)) & 0xFFFFFFFF:08x}"


class _Views:
    """The FUSE mounts of a snapshot by who sees them; each view is looked up once, however many processes share it."""

    def __init__(self, snapshot: Snapshot, by_tid: dict[int, Task]) -> None:
        self._mounts: dict[int, tuple[Mount, ...]] = {}
        self._numbers: dict[int, tuple[int, ...]] = {}
        self._of_process: dict[int, list[int]] = {}
        self._sets: dict[int, frozenset[int]] = {}
        self._seers: dict[int, tuple[int, ...]] = {}
        self._connections: dict[int, list[int]] = {}
        of_view: dict[int, list[Mount]] = {}
        for mount in snapshot.mounts:
            of_view.setdefault(mount.seen_by, []).append(mount)
        for view, mounts in of_view.items():
            self._mounts[view] = tuple(mounts)
            self._numbers[view] = tuple(dict.fromkeys(mount.connection for mount in mounts))
            self._seers[view] = (view,)
            for number in self._numbers[view]:
                self._connections.setdefault(number, []).append(view)
        for group in snapshot.same_mounts:
            self._seers[group[0]] = group
        for view in self._mounts:
            for tid in self._seers[view]:
                task = by_tid.get(tid)
                if task is not None:
                    self._of_process.setdefault(task.tgid, []).append(view)

    def mounts_of(self, tgid: int) -> tuple[Mount, ...]:
        views = self._of_process.get(tgid, [])
        if len(views) == 1:
            return self._mounts[views[0]]
        return tuple(mount for view in views for mount in self._mounts[view])

    def numbers_of(self, tgid: int) -> tuple[int, ...]:
        views = self._of_process.get(tgid, [])
        if len(views) == 1:
            return self._numbers[views[0]]
        return tuple(dict.fromkeys(number for view in views for number in self._numbers[view]))

    def sees(self, tgid: int, number: int) -> bool:
        for view in self._of_process.get(tgid, ()):
            if view not in self._sets:
                self._sets[view] = frozenset(self._numbers[view])
            if number in self._sets[view]:
                return True
        return False

    def of_connection(self, number: int) -> list[int]:
        return self._connections.get(number, [])

    def seers(self, view: int) -> tuple[int, ...]:
        return self._seers[view]


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
        self._views = _Views(snapshot, self.by_tid)
        self._shared: dict[str, tuple[For, ...]] = {}
        self._group_names: dict[tuple[int, ...], str] = {}
        self._groups_of_connections: dict[str, tuple[int, ...]] = {}
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
        return self._views.sees(tgid, number)

    def reaches(self, number: int) -> bool:
        """True if a file of this connection can have come to a task of the namespace without its mount."""
        found = self._reached.get(number)
        if found is None:
            views = self._views.of_connection(number)
            keepers = (device.tgid for device in self._by_connection.get(number, ()))
            found = not views or any(map(self._in_reach, views)) or any(map(self.related, keepers))
            self._reached[number] = found
        return found

    @functools.cached_property
    def _reached(self) -> dict[int, bool]:
        return {}

    def _in_reach(self, view: int) -> bool:
        if view not in self._near:
            self._near[view] = any(self.related(tid) for tid in self._views.seers(view))
        return self._near[view]

    @functools.cached_property
    def _near(self) -> dict[int, bool]:
        return {}

    def one_of(self, numbers: tuple[int, ...]) -> str:
        """Return the node that stands for any one of these connections.

        One node is shared by all that wait for it: n such waits, each with an edge to each of m connections, would make
        a graph of n times m edges.
        """
        if numbers not in self._group_names:
            name = WAITING_CONNECTIONS if self.are_all_waiting(numbers) else _named_group(numbers)
            self._group_names[numbers] = name
            self._groups_of_connections[name] = numbers
        return self._group_names[numbers]

    def are_all_waiting(self, numbers: tuple[int, ...]) -> bool:
        """True if these are the connections of the machine that may count a waiting request."""
        return len(numbers) == len(self._waiting) and self._waiting.issuperset(numbers)

    @functools.cached_property
    def _waiting(self) -> frozenset[int]:
        return frozenset(each.number for each in self.snapshot.connections if each.waiting != 0)

    def one_of_these(self, targets: tuple[For, ...]) -> str:
        """Return the node that stands for any one of these, which others may wait for as well."""
        name = f"any:{len(targets)} tasks {_digest(tid_of(each.target) or 0 for each in targets)}"
        self._shared.setdefault(name, targets)
        return name

    def shared(self, name: str) -> tuple[For, ...] | None:
        """Return what such a node waits for; None for any other name."""
        return self._shared.get(name)

    def group(self, name: str) -> tuple[int, ...] | None:
        """Return the connections of such a node; None for any other name."""
        return self._groups_of_connections.get(name)

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
        return self._views.mounts_of(tgid)

    def connections_seen(self, tgid: int) -> tuple[int, ...]:
        """The connections of these mounts: one object for all processes with the same view."""
        return self._views.numbers_of(tgid)

    def holders(self, number: int) -> tuple[Device, ...]:
        """Descriptors known to serve this connection: by fdinfo, or by what the launcher claims."""
        claimed = {claim.tgid for claim in self.snapshot.claims if claim.connection == number}
        named = self._by_connection.get(number, ())
        if not claimed:
            return tuple(named)
        more = (device for device in self._by_connection.get(None, ()) if device.tgid in claimed)
        return (*named, *more)

    @functools.cached_property
    def _by_connection(self) -> dict[int | None, list[Device]]:
        found: dict[int | None, list[Device]] = {}
        for device in self.snapshot.devices:
            found.setdefault(device.connection, []).append(device)
        return found

    @functools.cached_property
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
