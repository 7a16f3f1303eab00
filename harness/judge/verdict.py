"""The outcome, by proof.  Pure: snapshots in, verdict out.

A deadlock is a stable property.  init is dead in a snapshot when the least fixpoint of `waitgraph.movable` does not
reach it: then every task on which it depends waits for a task that waits too.  The readings of one snapshot are not
taken at one instant, so a second one must show the same, and show that none of the dead ran in between: then the
first was true at one instant, and what is stable is true now.  No clock is involved.
"""

from __future__ import annotations

from harness.judge import premises, waitgraph
from harness.model.records import Node, Outcome, Progress, Proof, Snapshot, Strength, Task, Verdict, WaitGraph, tid_of
from harness.record import replace

NAMED = 20
"""Nodes, in a line for people; the graph has them all."""


def judge(snapshots: tuple[Snapshot, ...]) -> Verdict:
    """`snapshots` in the order taken, one or more; the last one or two are judged.

    released and deadlock are final.  starved is what is so now: the task outside may still answer.  inconclusive says
    why; a later snapshot may do better.
    """
    now = snapshots[-1]
    if _gone(now):
        return Verdict(Outcome.RELEASED, ("the namespace is empty: init has been reaped",), None, (), (), None, (now,))
    graph = waitgraph.build(now)
    moving = waitgraph.movable(graph)
    dead = frozenset(node.id for node in graph.nodes) - moving
    alive = _healthy_init(now)
    if alive is not None:
        reason = f"init {alive.tid} is not exiting (PF_EXITING is not set, state {alive.state}): nothing to judge yet"
        return _verdict(Outcome.INCONCLUSIVE, (reason,), graph, dead, (), snapshots[-1:])
    before = snapshots[-2] if len(snapshots) > 1 else None
    if graph.root in dead:
        return _stuck(graph, dead, before, now)
    return _held_up(graph, dead, before, now)


def _healthy_init(snapshot: Snapshot) -> Task | None:
    """A thread of init that is not exiting: its leader may have exited before, which says nothing of the others."""
    init = snapshot.init
    if snapshot.pid_ns is None or init is None or init.held:
        return None
    threads = [task for task in snapshot.tasks if task.tgid == init.tgid and not task.zombie]
    return next((task for task in threads if not task.exiting), None)


def _gone(snapshot: Snapshot) -> bool:
    init = snapshot.init
    return (init is None or init.zombie) and not snapshot.live


def _stuck(graph: WaitGraph, dead: frozenset[str], before: Snapshot | None, now: Snapshot) -> Verdict:
    unrested = _unrested(dead, before, now)
    if unrested:
        return _verdict(Outcome.INCONCLUSIVE, unrested, graph, dead, (), (now,))
    assert before is not None
    earlier = waitgraph.build(before)
    if not dead <= frozenset(node.id for node in earlier.nodes) - waitgraph.movable(earlier):
        reason = "the earlier snapshot does not hold the same deadlock"
        return _verdict(Outcome.INCONCLUSIVE, (reason,), graph, dead, (), (before, now))
    complete = premises.complete(graph, dead, now)
    moved = () if complete else premises.moved(before, now)
    if moved:
        return _verdict(Outcome.INCONCLUSIVE, moved, graph, dead, (), (before, now))
    verdict = _verdict(Outcome.DEADLOCK, (), graph, dead, (), (before, now))
    reasons = [
        f"{len(dead)} nodes that init depends on can make no progress: " + _labels(graph, dead),
        "none of them ran between two snapshots that both show it "
        f"({(now.taken_ns - before.taken_ns) / 1e6:.1f} ms apart), and a deadlock is a stable property",
    ]
    if verdict.knot:
        labels = _labels(graph, frozenset(verdict.knot))
        reasons.insert(1, f"the knot, in which each waits for all the others: {labels}")
    reasons.extend(_rests_on(graph, dead))
    conditions = () if complete else premises.conditions(graph, dead, now)
    proof = Proof.CONDITIONAL if conditions else Proof.COMPLETE
    return replace(verdict, reasons=tuple(reasons), proof=proof, conditions=conditions)


def _labels(graph: WaitGraph, names: frozenset[str]) -> str:
    return _some([node.label for node in graph.nodes if node.id in names])


def _some(labels: list[str]) -> str:
    more = f", and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(labels[:NAMED]) + more


def _held_up(graph: WaitGraph, dead: frozenset[str], before: Snapshot | None, now: Snapshot) -> Verdict:
    """init could still come free: by whom?"""
    blockers = _blockers(graph)
    names = tuple(node.id for node in blockers)
    certain = graph.root in waitgraph.movable(graph, unknown=False)
    if certain:
        blockers = tuple(node for node in blockers if node.progress is Progress.OUTSIDE)
    for unsettled in (Progress.RUNS, Progress.UNKNOWN):
        reasons = tuple(f"{node.label}: {node.why}" for node in blockers if node.progress is unsettled)
        if reasons:
            return _verdict(Outcome.INCONCLUSIVE, reasons, graph, dead, names, (now,))
    waiting = frozenset(node.id for node in graph.nodes if node.progress is Progress.WAITS)
    unrested = _unrested(waiting, before, now)
    if unrested:
        return _verdict(Outcome.INCONCLUSIVE, unrested, graph, dead, names, (now,))
    assert before is not None
    return _verdict(Outcome.STARVED, _could_end_it(graph, blockers, now), graph, dead, names, (before, now))


def _could_end_it(graph: WaitGraph, blockers: tuple[Node, ...], now: Snapshot) -> tuple[str, ...]:
    """One line a process: its threads share what they hold."""
    assumed = {edge.target: edge.evidence for edge in graph.edges if edge.strength is Strength.ASSUMED}
    processes: dict[int | str, list[Node]] = {}
    tasks = {task.tid: task for task in (*now.tasks, *now.others)}
    for node in blockers:
        task = None if node.tid is None else tasks.get(node.tid)
        processes.setdefault(task.tgid if task else node.id, []).append(node)
    lines = []
    for nodes in processes.values():
        more = f" (and {len(nodes) - 1} more threads)" if len(nodes) > 1 else ""
        why = assumed.get(nodes[0].id)
        lines.append(
            f"{nodes[0].label}{more} could still end it: {nodes[0].why}"
            + (f"; that it could is assumed: {why}" if why else "")
        )
    return tuple(lines)


def _blockers(graph: WaitGraph) -> tuple[Node, ...]:
    """The nodes at the ends of all waiting."""
    return tuple(node for node in graph.nodes if node.progress is not Progress.WAITS)


def _unrested(names: frozenset[str], before: Snapshot | None, now: Snapshot) -> tuple[str, ...]:
    """Why the tasks among `names` are not known to have rested since the earlier snapshot; empty when they have."""
    if before is None:
        return ("one snapshot alone proves nothing",)
    moved = []
    earlier, later = ({task.tid: task for task in (*each.tasks, *each.others)} for each in (before, now))
    for name in sorted(names):
        tid = tid_of(name)
        if tid is None:
            continue
        old, new = earlier.get(tid), later.get(tid)
        if old is None or new is None or not old.same_rest(new):
            moved.append(f"task {tid} ran between the snapshots")
        elif new.switches is None and not new.zombie:
            moved.append(f"the context switches of task {tid} cannot be read")
    return tuple(moved)


def _rests_on(graph: WaitGraph, dead: frozenset[str]) -> list[str]:
    """The assumptions of the proof, for the reader to check."""
    assumed: dict[tuple[str, str], list[str]] = {}
    labels = {node.id: node.label for node in graph.nodes}
    for edge in graph.edges:
        if edge.waiter in dead and edge.strength is Strength.ASSUMED:
            assumed.setdefault((labels[edge.target], edge.evidence), []).append(labels[edge.waiter])
    lines = []
    for (target, evidence), waiters in assumed.items():
        edges = f"{len(waiters)} assumed edges" if len(waiters) > 1 else "an assumed edge"
        lines.append(f"rests on {edges}: {_some(waiters)} waits for {target}: {evidence}")
    return lines


def _verdict(
    outcome: Outcome,
    reasons: tuple[str, ...],
    graph: WaitGraph,
    dead: frozenset[str],
    blockers: tuple[str, ...],
    snapshots: tuple[Snapshot, ...],
) -> Verdict:
    inside = {f"task:{task.tid}" for task in snapshots[-1].tasks}
    connections = {
        edge.target for edge in graph.edges if edge.waiter in inside and edge.target.startswith("connection:")
    }
    number = int(connections.pop().partition(":")[2]) if len(connections) == 1 else None
    in_knot = waitgraph.knot(graph, dead)
    order = tuple(node.id for node in graph.nodes if node.id in dead)
    knot = tuple(name for name in order if name in in_knot)
    return Verdict(outcome, reasons, graph, order, blockers, number, snapshots, knot=knot)


def stuck_task(verdict: Verdict) -> Task | None:
    """The task of the namespace that waits for a connection's answer: the one to look at."""
    if verdict.graph is None:
        return None
    for edge in verdict.graph.edges:
        tid = tid_of(edge.waiter)
        if tid is not None and tid_of(edge.target) is None:
            return verdict.snapshots[-1].task(tid)
    return None
