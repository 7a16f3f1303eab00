"""The processes of a snapshot as a tree that holds each task exactly once."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model.records import Snapshot, Task
from harness.record import record

DEEPEST = 50
"""Generations that are shown one below the other."""


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
    task without a place becomes a child of the root, and so does a thread whose leader was not seen.  A container may
    make a chain of any length: what is deeper than `DEEPEST` stands side by side there.

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

    def descendants(task: Task) -> Iterator[Task]:
        waiting = [task]
        while waiting:
            for each in children.get(waiting.pop().tid, ()):
                if each.tid not in placed:
                    placed.add(each.tid)
                    waiting.append(each)
                    yield each

    def branch(task: Task, depth: int = 1) -> Branch:
        placed.add(task.tid)
        threads = _threads(by_leader.get(task.tid, ()))
        if depth < DEEPEST:
            below = [branch(each, depth + 1) for each in children.get(task.tid, ()) if each.tid not in placed]
        else:
            below = [Branch(each, False, tuple(_threads(by_leader.get(each.tid, ())))) for each in descendants(task)]
        return Branch(task, False, (*threads, *below))

    roots = [branch(task) for task in leaders.values() if task.ppid not in leaders]
    roots += [branch(task) for task in leaders.values() if task.tid not in placed]
    for tgid, every in by_leader.items():
        if tgid not in leaders:
            roots += _threads(every)
    init = snapshot.init
    return Branch(snapshot.task(init.ppid) if init is not None else None, False, tuple(roots))


def _threads(tasks: list[Task] | tuple[Task, ...]) -> list[Branch]:
    return [Branch(task, True, ()) for task in tasks]
