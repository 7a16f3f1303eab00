"""The processes of a snapshot as a tree that holds each task exactly once."""

from __future__ import annotations

from harness.model.records import Snapshot, Task
from harness.record import record


@record(frozen=True, slots=True)
class Branch:
    """A task with its threads and children."""

    task: Task | None
    """None: the root of the tree, where the parent of init was not seen."""
    thread: bool
    """The task is a thread beside its leader."""
    below: tuple[Branch, ...]
    """The other threads of the process first, then its children."""


def process_tree(snapshot: Snapshot, threads: bool = True) -> Branch:
    """Build the tree of the namespace's processes.

    The tasks were read one after the other while they moved, so that two of them may each name the other as parent: a
    task without a place becomes a child of the root, and so does a thread whose leader was not seen.

    Args:
        snapshot: The reading to show.
        threads: Whether the threads beside their leaders are included.

    Returns:
        The parent of init outside of the namespace, with the namespace's processes below it.
    """
    leaders = {task.tid: task for task in snapshot.tasks if task.leader}
    by_leader: dict[int, list[Task]] = {}
    for task in snapshot.tasks if threads else ():
        if not task.leader:
            by_leader.setdefault(task.tgid, []).append(task)
    children: dict[int, list[Task]] = {}
    for task in leaders.values():
        children.setdefault(task.ppid, []).append(task)
    placed: set[int] = set()

    def branch(task: Task) -> Branch:
        placed.add(task.tid)
        below = [branch(each) for each in children.get(task.tid, ()) if each.tid not in placed]
        return Branch(task, False, (*_threads(by_leader.get(task.tid, ())), *below))

    roots = [branch(task) for task in leaders.values() if task.ppid not in leaders]
    roots += [branch(task) for task in leaders.values() if task.tid not in placed]
    for tgid, every in by_leader.items():
        if tgid not in leaders:
            roots += _threads(every)
    init = snapshot.init
    return Branch(snapshot.task(init.ppid) if init is not None else None, False, tuple(roots))


def _threads(tasks: list[Task] | tuple[Task, ...]) -> list[Branch]:
    return [Branch(task, True, ()) for task in tasks]
