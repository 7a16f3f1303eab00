"""The processes of a snapshot as a tree: each task once, whatever it says of its parent."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.records import Snapshot, Task


@dataclass(frozen=True, slots=True)
class Branch:
    task: Task
    threads: tuple[Task, ...]
    """Those beside their leader."""
    children: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Grown:
    above: Task | None
    """The parent of init, outside."""
    roots: tuple[Branch, ...]
    strays: tuple[Task, ...]
    """Threads whose leader was not seen."""


def grown(snapshot: Snapshot) -> Grown:
    """Read while they moved, two tasks may each name the other as parent: what has no place is a root."""
    leaders = {task.tid: task for task in snapshot.tasks if task.leader}
    threads: dict[int, list[Task]] = {}
    for task in snapshot.tasks:
        if not task.leader:
            threads.setdefault(task.tgid, []).append(task)
    children: dict[int, list[Task]] = {}
    for task in leaders.values():
        children.setdefault(task.ppid, []).append(task)
    told: set[int] = set()

    def grow(task: Task) -> Branch:
        told.add(task.tid)
        below = tuple(grow(each) for each in children.get(task.tid, ()) if each.tid not in told)
        return Branch(task, tuple(threads.get(task.tid, ())), below)

    roots = [grow(task) for task in leaders.values() if task.ppid not in leaders]
    roots += [grow(task) for task in leaders.values() if task.tid not in told]
    init = snapshot.init
    return Grown(
        above=snapshot.task(init.ppid) if init is not None else None,
        roots=tuple(roots),
        strays=tuple(task for tgid, every in threads.items() if tgid not in leaders for task in every),
    )
