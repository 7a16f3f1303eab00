"""Who waits for whom: an AND-OR wait-for graph out of a snapshot, and which of its nodes can still move.  Pure.

init waits for ALL tasks of its namespace; a request can be answered by ANY task that holds its connection's device.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from harness import registry
from harness.judge import accounted, waits
from harness.judge.waits import DETACHED_TABLES, WAITING_CONNECTIONS, For, View, Wait, connection_id, counting, task_id
from harness.model import kernel_names
from harness.model.records import Device, Edge, Need, Node, Progress, Snapshot, Strength, Task, WaitGraph

Explain = Callable[[Task, View], "Wait | None"]
_UNHELD = "no task's descriptor table shows its device: nobody can answer"
_LAST_REFERENCE = (
    "only an exiting task, its table detached (FDSize 0), can still own the last reference to the device, "
    "and drops it after its files are flushed"
)


@functools.cache
def _reasons() -> tuple[Explain, ...]:
    found = sorted(registry.modules(waits, "ORDER", "explain"), key=lambda module: module.ORDER)
    return tuple(module.explain for module in found)


def build(snapshot: Snapshot, undisturbed: bool = False) -> WaitGraph:
    """The part of the graph that init depends on; `undisturbed`: as if nobody ever sent another signal."""
    view = View(snapshot, undisturbed)
    root = task_id(snapshot.init_tid)
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    todo = [root]
    while todo:
        name = todo.pop()
        if name in nodes:
            continue
        label, wait = _look(name, view)
        nodes[name] = Node(name, label, wait.need, wait.progress, wait.why)
        edges.extend(Edge(name, each.target, each.strength, each.evidence) for each in wait.targets)
        todo.extend(each.target for each in reversed(wait.targets))
    return WaitGraph(root, tuple(nodes.values()), tuple(edges))


def _look(name: str, view: View) -> tuple[str, Wait]:
    if name == WAITING_CONNECTIONS:
        return "one of the connections", _any_waiting(view)
    if name == DETACHED_TABLES:
        return "one of the exiting tasks", _any_detached(view)
    kind, _, number = name.partition(":")
    if kind == "elsewhere":
        return f"an unknown keeper of connection {number}", accounted.elsewhere(int(number), view)
    if kind == "connection":
        return _connection(int(number), view)
    task = view.by_tid.get(int(number))
    if task is None:
        return f"task {number}", Wait(Need.ALL, Progress.UNKNOWN, "it was not seen")
    return f"{task.comm} {task.tid}", explain(task, view)


def explain(task: Task, view: View) -> Wait:
    """Why a task does not run: the first reason that knows, else what its state alone says."""
    for reason in _reasons():
        wait = reason(task, view)
        if wait is not None:
            return wait
    where = f"state {task.state}" + (f", in {task.functions[0]}" if task.functions else "")
    if task.state == "R":
        # One that was killed is on its way; a server outside that runs may do so for ever.
        progress = Progress.RUNS if task.killed or task.tid in view.inside else Progress.OUTSIDE
        return Wait(Need.ANY, progress, "it runs")
    if not task.killed:
        return Wait(Need.ANY, Progress.OUTSIDE, f"{where}: alive, and can be woken")
    if task.state in "SI" and not task.exiting:
        return Wait(Need.ANY, Progress.RUNS, f"{where}: the pending SIGKILL wakes it")
    return Wait(Need.ANY, Progress.UNKNOWN, f"{where}: for a reason that is not known here")


def _connection(number: int, view: View) -> tuple[str, Wait]:
    found = view.connection(number)
    if found is None:
        return f"connection {number}", Wait(Need.ANY, Progress.RUNS, "it is gone: its requests have been ended")
    if found.virtiofs:
        return f"connection {number}", Wait(Need.ANY, Progress.OUTSIDE, "virtiofs: this machine's own host answers it")
    label = f"connection {number}" + (f" ({found.fsname})" if found.fsname else "")
    known = accounted.explain(number, view)
    if known is not None:
        return label, known
    holders = view.holders(number)
    if not _accounted_for(number, view):
        holders = (*holders, *view.unnamed_devices())
    answerers = (*_answerers(holders, view), *_receivers(view))
    if answerers:
        why = f"answered by whoever holds its device: {len(holders)} descriptor(s)"
        return label, Wait(Need.ANY, Progress.WAITS, why, answerers)
    return label, _unanswerable(number, view)


def _accounted_for(number: int, view: View) -> bool:
    """True when there are no more unnamed open devices than other connections that need one.

    A connection needs a holder if it is known to have none and counts no waiting request: one that counts some may hang
    just as this one does.
    """
    held = {device.connection for device in view.snapshot.devices} | {
        claim.connection for claim in view.snapshot.claims
    }
    others = [
        each
        for each in view.snapshot.connections
        if each.number not in held and each.number != number and each.waiting == 0 and not each.virtiofs
    ]
    unnamed = view.unnamed_devices()
    files = {device.file for device in unnamed if device.file is not None}
    return len(files) + sum(device.file is None for device in unnamed) <= len(others)


def _answerers(holders: tuple[Device, ...], view: View) -> tuple[For, ...]:
    """Every live thread of a process that holds the device: threads share the descriptor table."""
    targets: dict[int, For] = {}
    for device in holders:
        if device.connection is not None:
            strength, how = Strength.OBSERVED, f"fdinfo of descriptor {device.fd} names the connection"
        else:
            strength, how = (
                Strength.ASSUMED,
                f"descriptor {device.fd} is a FUSE device; the kernel does not say whose",
            )
        threads = view.threads(device.tgid)
        for tid in [thread.tid for thread in threads if not thread.zombie] if threads else [device.tid]:
            targets.setdefault(tid, For(task_id(tid), strength, how))
    return tuple(targets.values())


def _receivers(view: View) -> tuple[For, ...]:
    """A device in flight on a UNIX socket keeps the connection too, and whoever receives it could answer."""
    how = "open files in flight on its socket, descriptor {}: a device may be among them"
    targets = [
        For(task_id(thread.tid), Strength.ASSUMED, how.format(each.fd))
        for each in view.snapshot.in_flight
        for thread in view.threads(each.tgid)
        if not thread.zombie
    ]
    return tuple({each.target: each for each in targets}.values())


def _unanswerable(number: int, view: View) -> Wait:
    """No table shows the device, yet the connection lives: a task that is exiting owns the last reference.

    exit_files() has detached that task's table (FDSize 0) and drops the device by task work, which runs only after
    every file has been flushed (fput(), exit_task_work()).  Which of several such tasks it is cannot be seen; as long
    as one of them can move, the connection may end.  An init in the zap is not among them: do_exit() has run its task
    work before exit_notify() called zap_pid_ns_processes().
    """
    served = {claim.tgid for claim in view.snapshot.claims if claim.connection == number}
    near = {task.tid for task in view.all if task.tgid in served} | view.inside
    owners = [task for task in view.all if task.tid in near and _may_own(task, view)]
    elsewhere = (task for task in view.all if task.tid not in near and _may_own(task, view))
    strength, how = Strength.DERIVED, _LAST_REFERENCE
    if any(elsewhere):
        if served.isdisjoint(task.tgid for task in owners):
            return Wait(
                Need.ANY,
                Progress.WAITS,
                _UNHELD,
                (For(DETACHED_TABLES, strength, "which of them it is, nothing tells"),),
            )
        strength = Strength.ASSUMED
        how += f"; those exiting elsewhere cannot: {_served_by(number, view)}"
    if not owners:
        return Wait(Need.ANY, Progress.WAITS, "no task holds its device, and none is exiting with it")
    return Wait(Need.ANY, Progress.WAITS, _UNHELD, tuple(For(task_id(task.tid), strength, how) for task in owners))


def _any_waiting(view: View) -> Wait:
    """What a request of which nothing tells the connection waits for."""
    targets = tuple(
        For(connection_id(each.number), Strength.OBSERVED, f"one {counting(each.waiting)}")
        for each in view.snapshot.connections
        if each.waiting != 0
    )
    return Wait(Need.ANY, Progress.WAITS, "every connection of this machine that may count its request", targets)


def _any_detached(view: View) -> Wait:
    owners = tuple(
        For(task_id(task.tid), Strength.DERIVED, "exiting, its table detached (FDSize 0)")
        for task in view.all
        if _may_own(task, view)
    )
    return Wait(Need.ANY, Progress.WAITS, _LAST_REFERENCE, owners)


def _may_own(task: Task, view: View) -> bool:
    """A device that no table shows."""
    return (
        task.exiting
        and not task.zombie
        and task.fd_slots in (0, None)
        and not kernel_names.has(task.functions, kernel_names.ZAP)
        and (view.snapshot.pid_ns is None or task.tid != view.snapshot.init_tid)
    )


def _served_by(number: int, view: View) -> str:
    claims = [each for each in view.snapshot.claims if each.connection == number]
    return claims[0].evidence or f"only process {claims[0].tgid} ever had the device"


def movable(graph: WaitGraph) -> frozenset[str]:
    """The nodes that can make progress: the least fixpoint, upward from those that need nobody.

    A node that waits for ALL moves when all its targets can; for ANY, when one can.  What the fixpoint does not reach
    is dead: a cycle alone is not enough (a diamond has none that matters), and no time limit is involved.
    """
    moving = {node.id for node in graph.nodes if node.progress is not Progress.WAITS}
    targets = graph.successors()
    changed = True
    while changed:
        changed = False
        for node in graph.nodes:
            if node.id in moving:
                continue
            can = [target in moving for target in targets[node.id]]
            if all(can) if node.need is Need.ALL else any(can):
                moving.add(node.id)
                changed = True
    return frozenset(moving)


def knot(graph: WaitGraph, dead: frozenset[str]) -> frozenset[str]:
    """The dead nodes that wait, directly or not, for themselves."""
    forward = {
        name: [each for each in found if each in dead] for name, found in graph.successors().items() if name in dead
    }
    backward: dict[str, list[str]] = {name: [] for name in dead}
    for name, targets in forward.items():
        for target in targets:
            backward[target].append(name)
    found: set[str] = set()
    left = set(dead)
    while left:
        name = left.pop()
        component = _reach(name, forward) & _reach(name, backward)
        found |= component
        left -= component
    return frozenset(found)


def _reach(start: str, successors: dict[str, list[str]]) -> set[str]:
    """`start` itself only by a cycle."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        fresh = set(successors[todo.pop()]) - seen
        seen |= fresh
        todo.extend(fresh)
    return seen
