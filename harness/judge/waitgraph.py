"""Builds the AND-OR wait-for graph of a snapshot, and finds which of its nodes can still move.  Pure.

init waits for ALL tasks of its namespace; a request can be answered by ANY task that holds its connection's device.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from harness import registry
from harness.judge import accounted, waits
from harness.judge.waits import (
    DETACHED_TABLES,
    INVISIBLE,
    For,
    View,
    Wait,
    connection_id,
    counting,
    task_id,
)
from harness.model.records import Device, Edge, Need, Node, Progress, Snapshot, Strength, Task, WaitGraph

Explain = Callable[[Task, View], "Wait | None"]
_UNHELD = "no task's descriptor table shows its device: nobody can answer"
_NOBODY = "no task holds its device, and none is exiting with it"
_LAUNCHED = "no other process ever had the device, as the launcher knows"
_MANY = 8
"""Exiting tasks that are named one by one; more are one node, for the graph would have an edge of each to each."""
_MANY_ANSWERERS = 64
"""Tasks that may hold a device and are named for each connection; more are one node for all connections."""
_LAST_REFERENCE = (
    "only an exiting task, its table detached (FDSize 0), can still own the last reference to the device, "
    "and drops it after its files are flushed"
)


@functools.cache
def _reasons() -> tuple[Explain, ...]:
    found = sorted(registry.modules(waits, "ORDER", "explain"), key=lambda module: module.ORDER)
    return tuple(module.explain for module in found)


def build(snapshot: Snapshot) -> WaitGraph:
    """The part of the graph that init depends on, as if nobody ever sent another signal."""
    view = View(snapshot)
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
    shared = view.shared(name)
    if shared is not None:
        return "one of the possible keepers", Wait(Need.ANY, Progress.WAITS, "any of them may hold a device", shared)
    group = view.group(name)
    if group is not None:
        return "one of the connections", _any_of(group, view)
    if name == DETACHED_TABLES:
        return "one of the exiting tasks", _any_detached(view)
    if name == INVISIBLE:
        why = f"cannot be seen from here, and one may hold the device: {'; '.join(view.snapshot.invisible)}"
        return "processes that cannot be seen", Wait(Need.ANY, Progress.UNKNOWN, why)
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
    if view.snapshot.request_timeout:
        seconds = view.snapshot.request_timeout
        why = f"the kernel ends its requests by itself, after {seconds} s (fs.fuse.*_request_timeout)"
        return label, Wait(Need.ANY, Progress.OUTSIDE, why)
    holders = view.holders(number)
    answerers = {each.target: each for each in _answerers(holders, view)}
    if number not in view.launched:
        unnamed = [device for device in view.unnamed_devices if _may_serve(device, number, view)]
        more = {each.target: each for each in (*_answerers(tuple(unnamed), view), *_hidden(view), *_unseen(view))}
        fresh = tuple(each for name, each in more.items() if name not in answerers)
        if len(fresh) > _MANY_ANSWERERS:
            how = f"one of {len(fresh)} that may hold its device"
            fresh = (For(view.one_of_these(fresh), Strength.ASSUMED, how),)
        answerers.update((each.target, each) for each in fresh)
    if answerers:
        why = f"answered by whoever holds its device: {len(holders)} descriptor(s)"
        owners = () if holders else _owners(number, view).targets
        return label, Wait(Need.ANY, Progress.WAITS, why, (*answerers.values(), *owners))
    return label, _owners(number, view)


def _may_serve(device: Device, number: int, view: View) -> bool:
    """False where nothing leads from the connection to a device of which the kernel does not say whom it serves."""
    return view.related(device.tgid) or view.sees(device.tgid, number)


def _hidden(view: View) -> Iterator[For]:
    """Live threads of processes that may keep the device outside of every table, and to which it can have come."""
    for holder in view.snapshot.holders:
        if holder.way:
            how = f"{holder.evidence}; the device can have come to it: {holder.way}"
            threads = [thread.tid for thread in view.threads(holder.tgid) if not thread.zombie]
            for tid in threads or [holder.tid]:
                yield For(task_id(tid), Strength.ASSUMED, how)


def _unseen(view: View) -> Iterator[For]:
    if view.snapshot.invisible:
        yield For(INVISIBLE, Strength.ASSUMED, "; ".join(view.snapshot.invisible))


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


def _owners(number: int, view: View) -> Wait:
    """No table shows the device, yet the connection lives: a task that is exiting owns the last reference.

    exit_files() has detached that task's table (FDSize 0) and drops the device by task work, which runs only after
    every file has been flushed (fput(), exit_task_work()).  Which of several such tasks it is cannot be seen; as long
    as one of them can move, the connection may end.  An init in the zap is not among them: do_exit() has run its task
    work before exit_notify() called zap_pid_ns_processes().
    """
    if number in view.launched:
        served = {claim.tgid for claim in view.snapshot.claims if claim.connection == number}
        owners = [task for task in view.detached if task.tgid in served or task.tid in view.inside]
        how = f"{_LAST_REFERENCE}; {_LAUNCHED}"
        targets = tuple(For(task_id(task.tid), Strength.DERIVED, how) for task in owners)
        return Wait(Need.ANY, Progress.WAITS, _UNHELD if owners else _NOBODY, targets)
    owners = [task for task in view.detached if view.related(task.tgid) or view.sees(task.tgid, number)]
    if len(owners) > _MANY:
        found = For(DETACHED_TABLES, Strength.DERIVED, "which of them it is, nothing tells")
        return Wait(Need.ANY, Progress.WAITS, _UNHELD, (found,))
    targets = tuple(For(task_id(task.tid), Strength.DERIVED, _LAST_REFERENCE) for task in owners)
    return Wait(Need.ANY, Progress.WAITS, _UNHELD if owners else _NOBODY, targets)


def _any_of(numbers: tuple[int, ...], view: View) -> Wait:
    """The node for which a request waits that is on one of several connections."""
    targets = []
    for number in numbers:
        found = view.connection(number)
        how = "one of those" if found is None else f"one {counting(found.waiting)}"
        targets.append(For(connection_id(number), Strength.OBSERVED, how))
    why = f"one of {len(numbers)} connections that may count its request"
    return Wait(Need.ANY, Progress.WAITS, why, tuple(targets))


def _any_detached(view: View) -> Wait:
    """All of the machine: more than enough, where there are many."""
    owners = tuple(
        For(task_id(task.tid), Strength.DERIVED, "exiting, its table detached (FDSize 0)") for task in view.detached
    )
    return Wait(Need.ANY, Progress.WAITS, _LAST_REFERENCE, owners)


def movable(graph: WaitGraph, unknown: bool = True) -> frozenset[str]:
    """The nodes that can make progress: the least fixpoint, upward from those that need nobody.

    A node that waits for ALL moves when all its targets can; for ANY, when one can.  What the fixpoint does not reach
    is dead: a cycle alone is not enough (a diamond has none that matters), and no time limit is involved.

    Args:
        graph: The graph; its size alone bounds the time, for no node and no edge is looked at twice.
        unknown: Whether nodes of which it is not known what they wait for, or that run, count as moving.
    """
    waiters: dict[str, list[str]] = {}
    missing: dict[str, int] = {}
    needs = {node.id: node.need for node in graph.nodes}
    for edge in graph.edges:
        waiters.setdefault(edge.target, []).append(edge.waiter)
        missing[edge.waiter] = missing.get(edge.waiter, 0) + 1
    settled = frozenset({Progress.OUTSIDE} if not unknown else {Progress.OUTSIDE, Progress.RUNS, Progress.UNKNOWN})
    todo = [node.id for node in graph.nodes if node.progress in settled]
    todo += [
        node.id
        for node in graph.nodes
        if node.progress is Progress.WAITS and node.need is Need.ALL and not missing.get(node.id)
    ]
    moving = set(todo)
    while todo:
        for waiter in waiters.get(todo.pop(), ()):
            missing[waiter] -= 1
            if waiter not in moving and (needs[waiter] is Need.ANY or not missing[waiter]):
                moving.add(waiter)
                todo.append(waiter)
    return frozenset(moving)


def knot(graph: WaitGraph, dead: frozenset[str]) -> frozenset[str]:
    """The dead nodes that wait, directly or not, for themselves: those of a cycle.

    A node is in a cycle if its strongly connected component has another node, or if it waits for itself.  The
    components are Kosaraju's, without recursion: a chain of servers is as deep as it is long.
    """
    forward = {
        name: [each for each in found if each in dead] for name, found in graph.successors().items() if name in dead
    }
    backward: dict[str, list[str]] = {name: [] for name in dead}
    for name, targets in forward.items():
        for target in targets:
            backward[target].append(name)
    found = {name for name, targets in forward.items() if name in targets}
    seen: set[str] = set()
    for name in reversed(_finished(forward)):
        if name not in seen:
            component = _reach(name, backward, seen)
            if len(component) > 1:
                found.update(component)
    return frozenset(found)


def _finished(forward: dict[str, list[str]]) -> list[str]:
    """Return the nodes in the order in which a depth-first search leaves them."""
    order: list[str] = []
    seen: set[str] = set()
    for start in forward:
        if start in seen:
            continue
        seen.add(start)
        path = [(start, iter(forward[start]))]
        while path:
            name, targets = path[-1]
            fresh = next((each for each in targets if each not in seen), None)
            if fresh is None:
                order.append(name)
                path.pop()
            else:
                seen.add(fresh)
                path.append((fresh, iter(forward[fresh])))
    return order


def _reach(start: str, successors: dict[str, list[str]], seen: set[str]) -> list[str]:
    """Return what `start` reaches and nobody reached before, itself among it; `seen` grows by that."""
    seen.add(start)
    found = [start]
    for name in found:
        for each in successors[name]:
            if each not in seen:
                seen.add(each)
                found.append(each)
    return found
