"""Why a task does not run: one reason a file.

Each module has `ORDER` (lower is asked first) and `explain(task, view) -> Wait | None`, pure.  The first that
answers wins; `waitgraph` has the answer for what none of them knows.
"""

from __future__ import annotations

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
DETACHED_TABLES = "any:detached tables"
"""What many wait for alike is a node of its own: without it, a machine with n such hangs has a graph of n² edges."""


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

    def __init__(self, snapshot: Snapshot, undisturbed: bool = False) -> None:
        """`undisturbed`: as if nobody ever sent another signal."""
        self.snapshot = snapshot
        self.undisturbed = undisturbed
        self.all = (*snapshot.tasks, *snapshot.others)
        self.by_tid = {task.tid: task for task in self.all}
        self.inside = {task.tid for task in snapshot.tasks}
        self._groups: dict[int, list[Task]] = {}
        for task in self.all:
            self._groups.setdefault(task.tgid, []).append(task)

    def threads(self, tgid: int) -> tuple[Task, ...]:
        return tuple(self._groups.get(tgid, ()))

    def leaders(self) -> tuple[Task, ...]:
        return tuple(task for task in self.snapshot.tasks if task.leader)

    def leaders_below(self, init: Task) -> tuple[Task, ...]:
        """Of the namespace whose init this is: the whole one, or those below it in a nested one."""
        leaders = [task for task in self.leaders() if task.tid != init.tid]
        if init.tid == self.snapshot.init_tid:
            return tuple(leaders)
        below = {init.tid}
        grown = True
        while grown:
            found = {task.tid for task in leaders if task.ppid in below or task.pid_ns == init.pid_ns} - below
            below |= found
            grown = bool(found)
        return tuple(task for task in leaders if task.tid in below)

    def connection(self, number: int) -> Connection | None:
        return next((each for each in self.snapshot.connections if each.number == number), None)

    def mounts_of(self, tgid: int) -> tuple[Mount, ...]:
        """FUSE mounts in the mount namespace of a process, as far as one of its tasks could be read."""
        return tuple(
            mount
            for mount in self.snapshot.mounts
            if (seer := self.by_tid.get(mount.seen_by)) is not None and seer.tgid == tgid
        )

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
