"""Makes findings of the readings, judged as a run is.  Pure."""

from __future__ import annotations

import calendar
import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from harness.diagnosis.likeness import Likeness
from harness.diagnosis.records import TAKEN, Blocker, Finding, PendingRequest, Reading, Readings, Remedy, Rest, Stuck
from harness.diagnosis.remedies import remedies
from harness.judge import blockers
from harness.judge.form import form
from harness.judge.verdict import judge, stuck_task
from harness.judge.waits import is_group
from harness.model import kernel_names
from harness.model.records import Outcome, Progress, Snapshot, Task, Verdict

PATIENCE_S = 1.0
_LAST_S = 253402300799
"""The end of the year 9999, in seconds since the epoch: a capture of others may hold any number."""
"""Seconds of rest after which an unproven hang is a finding: every FLUSH of a slow server looks alike."""


@dataclass(frozen=True, slots=True)
class _Found:
    reading: Reading
    verdict: Verdict
    kind: str
    blockers: tuple[Blocker, ...]

    @property
    def snapshot(self) -> Snapshot:
        return self.reading.snapshots[-1]


def settled(snapshots: tuple[Snapshot, ...], rests: tuple[Rest, ...]) -> bool:
    """True if another look would not show more."""
    if _rested(snapshots[-1], rests):
        return True  # whatever it is; and the judgement takes longer than this
    verdict = _verdict(snapshots)
    return verdict is None or verdict.outcome in (Outcome.RELEASED, Outcome.DEADLOCK)


def findings(readings: Readings, on_progress: Callable[[], None] = lambda: None) -> tuple[Finding, ...]:
    """Namespaces first; processes that wait for the same connection, or for one of the same, are one finding.

    Args:
        readings: What was read of the machine.
        on_progress: Called before each is judged, which takes seconds where thousands of servers wait for each other.

    Returns:
        Those that are stuck, judged.
    """
    judged: dict[object, _Found | None] = {}
    likeness = Likeness()
    found = []
    for reading in readings.readings:
        on_progress()
        each = _found_alike(reading, judged, likeness)
        if each is not None:
            found.append(each)
    joined = [each for each in found if each.snapshot.pid_ns is not None]
    alone: dict[object, list[_Found]] = {}
    for each in found:
        if each.snapshot.pid_ns is None:
            alone.setdefault(_awaited(each), []).append(each)
    everything = (*joined, *(_joined(group) for group in alone.values()))
    return tuple(_finding(each, readings, everything) for each in everything)


def _awaited(found: _Found) -> object:
    """The object that a process alone waits for: a connection, one of many, or whatever it is."""
    if found.verdict.connection is not None:
        return found.verdict.connection
    graph, root = found.verdict.graph, f"task:{found.snapshot.init_tid}"
    group = graph is not None and next(
        (each.target for each in graph.edges if each.waiter == graph.root and is_group(each.target)), None
    )
    return ("one of", group) if group else root


def _found_alike(reading: Reading, judged: dict[object, _Found | None], likeness: Likeness) -> _Found | None:
    """One verdict for all processes that are alike; each is named."""
    key = likeness.key(reading.snapshots)
    if key is None:
        return _found(reading)
    if key not in judged:
        judged[key] = _found(reading)
        return judged[key]
    first, task = judged[key], reading.snapshots[-1].init
    if first is None or task is None or not first.blockers:
        return first
    same = first.blockers[0]
    blocker = replace(same, pid=task.tgid, tid=task.tid, start_time=task.start_time, comm=task.comm, stack=task.stack)
    return replace(first, reading=reading, blockers=(blocker,))


def _found(reading: Reading) -> _Found | None:
    verdict = _verdict(reading.snapshots)
    if verdict is None or verdict.outcome is Outcome.RELEASED:
        return None
    snapshot = reading.snapshots[-1]
    waits = _Waits(verdict)
    named = tuple(_blocker(task, waits) for task in _keeping(snapshot))
    kind = min((each.kind for each in named), key=blockers.rank, default="unknown")
    if verdict.outcome is not Outcome.DEADLOCK and kind != "slow-exit" and _young(snapshot, reading.rests):
        return None
    return _Found(reading, verdict, kind, named)


def _verdict(snapshots: tuple[Snapshot, ...]) -> Verdict | None:
    """None: it is a process that nobody kills, and whose request can be answered."""
    verdict = judge(snapshots)
    init = snapshots[-1].init
    if (
        init is None
        or snapshots[-1].pid_ns is not None
        or init.killed
        or not kernel_names.depends_on_fuse(init.functions)
    ):
        return verdict
    if verdict.outcome is not Outcome.DEADLOCK:
        return None
    reason = "nobody has killed it: a SIGKILL may end its own wait, though it answers nobody"
    return replace(verdict, reasons=(*verdict.reasons, reason))


def _keeping(snapshot: Snapshot) -> tuple[Task, ...]:
    """The tasks that keep the rest: live ones, but for inits in the zap, and the dead that nobody inside may reap."""
    if snapshot.pid_ns is None and snapshot.init is not None and not snapshot.init.killed:
        return tuple(task for task in snapshot.live if kernel_names.awaits_fuse(task.functions)) or (snapshot.init,)
    inside = {task.tid for task in snapshot.tasks}
    alive = {task.tgid for task in snapshot.live}
    found = []
    for task in snapshot.tasks:
        if not task.zombie:
            if not _in_zap(task):
                found.append(task)
        elif task.leader and task.tgid not in alive and _is_left(task, snapshot, inside):
            found.append(task)
    return tuple(found)


def _is_left(task: Task, snapshot: Snapshot, inside: set[int]) -> bool:
    """Dead, and init cannot reap it: it is traced, or came in by setns() and has its parent outside."""
    if task.tid == snapshot.init_tid:
        return False
    return bool(task.tracer) or (task.ppid not in inside and snapshot.pid_ns is not None)


def _in_zap(task: Task) -> bool:
    """As `waits.namespace_init` tells it."""
    if not task.exiting or task.ns_tids[-1:] != (1,):
        return False
    names = kernel_names.ZAP if task.stack is not None else kernel_names.WAIT
    return kernel_names.has(task.functions, names)


def _blocker(task: Task, waits: _Waits) -> Blocker:
    row = blockers.of_task(task)
    return Blocker(
        task.tgid,
        task.tid,
        task.start_time,
        task.comm,
        task.state,
        task.stack,
        task.wchan,
        row.kind,
        row.meaning,
        row.reference,
        waits.of(task),
    )


class _Waits:
    """The waits of the tasks in a verdict's graph, in words."""

    def __init__(self, verdict: Verdict) -> None:
        graph = verdict.graph
        self._nodes = {} if graph is None else {node.id: node for node in graph.nodes}
        self._targets = {} if graph is None else graph.successors()

    def of(self, task: Task) -> str:
        node = self._nodes.get(f"task:{task.tid}")
        if node is None:
            return blockers.of_task(task).meaning
        targets = [self._nodes[target].label for target in self._targets[node.id]]
        return " or ".join(targets) if node.progress is Progress.WAITS and targets else node.why


def _joined(group: list[_Found]) -> _Found:
    """The one that began first, with the tasks of all."""
    if len(group) == 1:
        return group[0]
    ordered = sorted(group, key=lambda found: (_start(found), found.snapshot.init_tid))
    named = {blocker.tid: blocker for each in reversed(ordered) for blocker in reversed(each.blockers)}
    kind = min((each.kind for each in ordered), key=blockers.rank)
    rests = tuple(dict.fromkeys(rest for each in ordered for rest in each.reading.rests))
    reading = replace(ordered[0].reading, rests=rests)
    return replace(ordered[0], kind=kind, blockers=tuple(reversed(named.values())), reading=reading)


def _finding(found: _Found, readings: Readings, everything: Iterable[_Found]) -> Finding:
    snapshot = found.snapshot
    connection = _stuck(found, readings.requests)
    for_s = _for_s(found)
    verdict = replace(found.verdict, form=form(snapshot, stuck_task(found.verdict), None))
    sharing = tuple(
        each.snapshot.init_tid
        for each in everything
        if each is not found and connection is not None and each.verdict.connection == connection.number
    )
    return Finding(
        _name(found, readings),
        snapshot.init_tid if snapshot.pid_ns is not None else None,
        found.kind,
        verdict,
        found.blockers,
        connection,
        found.reading.container,
        for_s,
        None if for_s is None else _before(readings.taken, for_s),
        _offered(remedies(found.kind, snapshot, verdict, found.blockers, connection, sharing), readings.running),
        readings.running,
    )


def _offered(found: tuple[Remedy, ...], running: bool) -> tuple[Remedy, ...]:
    """Take the commands away where the machine does not run: they would act on the one where they are typed."""
    return found if running else tuple(replace(each, command="", resolver=None, target="") for each in found)


def _stuck(found: _Found, requests: tuple[PendingRequest, ...]) -> Stuck | None:
    snapshot = found.snapshot
    number = found.verdict.connection
    if number is None:
        number = _only_requested({each.tid for each in found.blockers}, requests)
    shown = number is not None
    if number is None:
        number = _only_waiting(snapshot, {each.tid for each in found.blockers if each.kind == "execve"})
    if number is None:
        return None
    counted = next((each for each in snapshot.connections if each.number == number), None)
    tids = {each.tid for each in found.blockers} | {each.pid for each in found.blockers}
    seers = _viewers(snapshot, tids)
    mounts = [each for each in snapshot.mounts if each.connection == number]
    mount = next((each for each in mounts if each.seen_by in seers), mounts[0] if mounts else None)
    uses = tuple(each for each in found.reading.uses if each.connection == number)
    rests: dict[int | None, float] = {rest.tid: rest.seconds for rest in found.reading.rests}
    return Stuck(
        number,
        mount.fsname if mount else counted.fsname if counted else None,
        counted.waiting if counted else None,
        mount.point if mount else None,
        uses,
        tuple(replace(each, for_s=rests.get(each.tid)) for each in requests if each.connection == number),
        shown,
    )


def _viewers(snapshot: Snapshot, tids: set[int]) -> set[int]:
    """The tasks for which the mounts that these see are recorded."""
    return tids.union(group[0] for group in snapshot.same_mounts if not tids.isdisjoint(group))


def _only_requested(tids: set[int], requests: tuple[PendingRequest, ...]) -> int | None:
    """The one connection on which these tasks' requests are."""
    found = {each.connection for each in requests if each.tid in tids}
    return found.pop() if len(found) == 1 else None


def _only_waiting(snapshot: Snapshot, tids: set[int]) -> int | None:
    """The one connection that these tasks see mounted and that counts a waiting request."""
    viewers = _viewers(snapshot, tids)
    seen = {mount.connection for mount in snapshot.mounts if mount.seen_by in viewers}
    waiting = [each.number for each in snapshot.connections if each.number in seen and each.waiting]
    return waiting[0] if len(waiting) == 1 else None


def _name(found: _Found, readings: Readings) -> str:
    """The PID for the eye, and a digest of what makes it the same one: the boot, the namespace or process, its start.

    What is stuck in it, on which connection and with what outcome may change while it is the same.
    """
    snapshot = found.snapshot
    parts = (readings.boot, snapshot.init_tid, _start(found), snapshot.pid_ns)
    return f"{snapshot.init_tid}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:8]}"


def _start(found: _Found) -> int:
    init = found.snapshot.init
    return init.start_time if init else 0


def _young(snapshot: Snapshot, rests: tuple[Rest, ...]) -> bool:
    """Known to have run within `PATIENCE_S`; where it is not known, whoever looked has waited so long."""
    return bool(rests) and not _rested(snapshot, rests)


def _rested(snapshot: Snapshot, rests: tuple[Rest, ...]) -> bool:
    asked = {task.tid for task in _keeping(snapshot) if not task.zombie} or {snapshot.init_tid}
    known = [rest.seconds for rest in rests if rest.tid in asked]
    return bool(known) and min(known) >= PATIENCE_S


def _for_s(found: _Found) -> float | None:
    asked = {each.tid for each in found.blockers} | {found.snapshot.init_tid}
    return min((rest.seconds for rest in found.reading.rests if rest.tid in asked), default=None)


def _before(taken: str, seconds: float) -> str:
    moment = calendar.timegm(time.strptime(taken, TAKEN)) - seconds
    return time.strftime(TAKEN, time.gmtime(min(max(moment, 0), _LAST_S)))
