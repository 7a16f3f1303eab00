"""Tells which suspects are alike, so that one verdict holds for hundreds of clients of one server.  Pure."""

from __future__ import annotations

from harness.model.records import Snapshot


class _Index:
    """The parts that the snapshots of one look share, by task; it holds the records by whose identity it is found."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.of = (snapshot.mounts, snapshot.same_mounts, snapshot.awaited, snapshot.confined)
        self._viewers = {tid: group[0] for group in snapshot.same_mounts for tid in group}
        seen: dict[int, set[int]] = {}
        for mount in snapshot.mounts:
            seen.setdefault(mount.seen_by, set()).add(mount.connection)
        self._seen = {tid: frozenset(numbers) for tid, numbers in seen.items()}
        self.shown = {each.tid: each.connection for each in snapshot.awaited}
        self.confined = frozenset(snapshot.confined)

    def seen(self, tid: int) -> frozenset[int]:
        """The connections whose mounts the task sees: one object for all that see the same."""
        return self._seen.get(self._viewers.get(tid, tid), frozenset())


class Likeness:
    """The likeness of any number of suspects, from one pair of looks."""

    def __init__(self) -> None:
        self._indexes: dict[tuple[int, ...], _Index] = {}

    def key(self, snapshots: tuple[Snapshot, ...]) -> object:
        """Return what the verdict on a process alone depends on, beside the rest of the machine.

        Args:
            snapshots: Of one suspect, in the order taken.

        Returns:
            The same for suspects that are alike; None: it is judged for itself.
        """
        now, before = snapshots[-1], snapshots[0]
        task, earlier = now.init, before.init
        if now.pid_ns is not None or task is None or earlier is None or len(now.tasks) != 1:
            return None
        index = self._index(now)
        shown = index.shown.get(task.tid)
        form = (task.functions, task.state, task.exiting, task.killed, task.held, task.fd_slots, task.frozen)
        rested = earlier.same_rest(task) and task.switches is not None
        seen = index.seen(task.tid)
        return (now.taken_ns, form, task.tracer, task.ppid, seen, shown, rested, task.tid in index.confined)

    def _index(self, snapshot: Snapshot) -> _Index:
        of = (snapshot.mounts, snapshot.same_mounts, snapshot.awaited, snapshot.confined)
        key = tuple(map(id, of))
        if key not in self._indexes:
            self._indexes[key] = _Index(snapshot)
        return self._indexes[key]
