"""Remedies for a finding: the command, and its effects on others.  Pure."""

from __future__ import annotations

from harness.diagnosis.records import Blocker, Remedy, Stuck
from harness.judge import blockers as table
from harness.judge.waits import is_group
from harness.model.holders import Frozen
from harness.model.records import Snapshot, Task, Verdict, tid_of
from harness.resolve import by_hand

FUSECTL = "/sys/fs/fuse/connections"
_FUSE = ("fuse-", "execve")
_USUAL = "/sys/fs/cgroup/freezer"
"""The usual mount point of cgroup v1's freezer, for recordings without one."""


def remedies(
    kind: str,
    snapshot: Snapshot,
    verdict: Verdict,
    blockers: tuple[Blocker, ...],
    connection: Stuck | None,
    sharing: tuple[int, ...],
) -> tuple[Remedy, ...]:
    """The mildest first.  `sharing`: the inits of other findings that wait for the same connection."""
    found = _server(snapshot, verdict)
    found += [each for each in _freezers(snapshot) if each not in found]
    if any(each.kind.startswith(_FUSE) for each in blockers):
        if connection is None:
            found += _candidates(snapshot, verdict)
        else:
            found += _connection(connection, snapshot, blockers, sharing)
    found += _tracers(snapshot)
    found += _parents(snapshot)
    if not found:
        found.append(_by_hand(kind, blockers))
    return tuple(found)


def _server(snapshot: Snapshot, verdict: Verdict) -> list[Remedy]:
    """Remedies that let a process go on that could answer: thaw it, let its tracer go, continue it.  None of them loses
    anything."""
    others = {task.tgid for task in snapshot.tasks} | set(_parents_outside(snapshot))
    able = {task.tgid: task for task in _could_move(snapshot, verdict) if task.tgid not in others}
    found = [_thaw(each, snapshot) for each in snapshot.frozen if each.tgid in able]
    for pid, task in able.items():
        name = f"{task.comm} {pid}, which holds the connection's device"
        if task.state == "T":
            effect = f"{name}, is stopped; it goes on and may answer"
            found.append(Remedy("continue", by_hand.kill("CONT", pid), effect, "continue", str(pid)))
        elif task.state == "t" and task.tracer:
            tracer = _named(snapshot, task.tracer)
            effect = f"{name}, is stopped for {tracer}; when that lets it go (detaches, or ends), it may answer"
            found.append(Remedy("detach", "", f"detach in {tracer}: {effect}"))
            command = by_hand.kill("KILL", task.tracer)
            found.append(Remedy("kill-tracer", command, f"{tracer} ends; {effect}", "kill-tracer", str(task.tracer)))
    return found


def _could_move(snapshot: Snapshot, verdict: Verdict) -> list[Task]:
    tasks = [snapshot.task(tid) for name in verdict.blockers if (tid := tid_of(name)) is not None]
    return [task for task in tasks if task is not None]


def _connection(
    connection: Stuck, snapshot: Snapshot, blockers: tuple[Blocker, ...], sharing: tuple[int, ...]
) -> list[Remedy]:
    """The abort, and the unmount; fusezap itself does what rests on evidence, and leaves a guess to a person."""
    number = connection.number
    lost = "all its requests" if connection.waiting is None else f"{connection.waiting} request(s) in flight"
    where = f"mounted at {connection.point}" if connection.point else "mounted where we cannot see"
    effect = (
        f"connection {number} ({connection.fsname or 'name unknown'}, {where}) ends: {lost} fail with ECONNABORTED, "
        f"unwritten data is lost, and every later call on the mount fails with ENOTCONN{_others(connection, sharing)}"
    )
    if not connection.shown:
        effect += "; nothing shows that it is this one but the mounts that the task sees: look at its server first"
    command = by_hand.write("1", f"{FUSECTL}/{number}/abort")
    found = [Remedy("abort", command, effect, "abort" if connection.shown else None)]
    seer = next((each for each in blockers if each.kind.startswith(_FUSE)), blockers[0])
    seers = {snapshot.viewer(seer.tid), snapshot.viewer(seer.pid)}
    mounts = [each for each in snapshot.mounts if each.connection == number and each.seen_by in seers]
    if mounts and not mounts[0].covered:
        task = f"/proc/{seer.pid}/task/{seer.tid}"
        command = by_hand.unmount(task, mounts[0].point, by_hand.FORCE)
        found.append(Remedy("unmount", command, f"as abort, where fusectl is not to be had; {effect}"))
    return found


def _candidates(snapshot: Snapshot, verdict: Verdict) -> list[Remedy]:
    """Each connection that it may wait for; none is aborted by fusezap, for the others are innocent."""
    graph = verdict.graph
    if graph is None:
        return []
    inside = {f"task:{task.tid}" for task in snapshot.tasks}
    named = {edge.target for edge in graph.edges if edge.waiter in inside}
    groups = set(filter(is_group, named))
    named |= {edge.target for edge in graph.edges if edge.waiter in groups}
    counts = {each.number: each.waiting for each in snapshot.connections}
    mounts = {each.connection: each for each in reversed(snapshot.mounts)}
    names = {each.tid: f"{each.comm} {each.tid}" for each in (*snapshot.tasks, *snapshot.others)}
    keepers: dict[int | None, dict[str, None]] = {}
    for device in snapshot.devices:
        keepers.setdefault(device.connection, {})[names.get(device.tgid, f"process {device.tgid}")] = None
    numbers = sorted(int(name.partition(":")[2]) for name in named if name.startswith("connection:"))
    found = []
    for number in numbers:
        mount, waiting = mounts.get(number), counts.get(number)
        server = ", ".join(keepers.get(number, ())) or "none that is known"
        where = f"{mount.fsname}, at {mount.point} of task {mount.seen_by}" if mount else "no known mount"
        effect = (
            f"one of {len(numbers)} candidates: connection {number} ({where}), "
            f"{'?' if waiting is None else waiting} waiting request(s), "
            f"server: {server}; let its server answer before this, which ends the mount for all who use it"
        )
        found.append(Remedy("abort", by_hand.write("1", f"{FUSECTL}/{number}/abort"), effect))
    return found


def _others(connection: Stuck, sharing: tuple[int, ...]) -> str:
    words = ""
    if connection.uses:
        users = sum(use.processes for use in connection.uses)
        where = "; ".join(f"{use.point} of process {use.pid}" for use in connection.uses[:3])
        more = f" and {len(connection.uses) - 3} more" if len(connection.uses) > 3 else ""
        words += f"; seen by {users} living process(es) in {len(connection.uses)} mount namespace(s): {where}{more}"
    if sharing:
        words += f"; it also frees what else waits for it: {', '.join(map(str, sharing))}"
    return words


def _tracers(snapshot: Snapshot) -> list[Remedy]:
    tracers: dict[int, list[Task]] = {}
    for task in snapshot.tasks:
        if task.tracer:
            tracers.setdefault(task.tracer, []).append(task)
    found = []
    for tracer, traced in tracers.items():
        name = _named(snapshot, tracer)
        freed = f"the {len(traced)} task(s) that it traces are reaped by their parents"
        found.append(Remedy("detach", "", f"detach in {name}, and {freed}"))
        command = by_hand.kill("KILL", tracer)
        found.append(Remedy("kill-tracer", command, f"{name} ends; {freed}", "kill-tracer", str(tracer)))
    return found


def _freezers(snapshot: Snapshot) -> list[Remedy]:
    """The groups that keep tasks of the namespace itself from ending."""
    inside = {task.tgid for task in snapshot.tasks}
    known = {each.group: _thaw(each, snapshot) for each in snapshot.frozen if each.tgid in inside}
    for task in snapshot.tasks:
        if task.frozen is not None and task.frozen not in known:
            file = f"{_USUAL}{task.frozen}/freezer.state"
            known[task.frozen] = _thaw(Frozen(task.tid, task.tgid, task.frozen, file, "THAWED"), snapshot)
    return list(known.values())


def _thaw(frozen: Frozen, snapshot: Snapshot) -> Remedy:
    effect = f"every task in the frozen control group {frozen.group} runs on ({_named(snapshot, frozen.tgid)} is in it)"
    return Remedy("thaw", by_hand.write(frozen.value, frozen.file), effect, "thaw", frozen.file)


def _parents(snapshot: Snapshot) -> list[Remedy]:
    """Remedies for dead tasks that came in by setns(): their parents outside must reap."""
    found = []
    for parent in _parents_outside(snapshot):
        task = snapshot.task(parent)
        name = _named(snapshot, parent)
        if task is not None and task.state in "Tt":
            effect = f"{name} is stopped; it goes on, and reaps its child"
            found.append(Remedy("continue", by_hand.kill("CONT", parent), effect, "continue", str(parent)))
        if parent == 1:
            found.append(
                Remedy("by hand", "", f"{name} has to reap its dead children, and cannot be ended: see why not")
            )
            continue
        effect = f"{name} ends, and its dead children are reaped by its own parent"
        found.append(Remedy("kill-parent", by_hand.kill("KILL", parent), effect))
    return found


def _parents_outside(snapshot: Snapshot) -> tuple[int, ...]:
    """Parents outside of the namespace whose dead children nobody else may reap."""
    inside = {task.tid for task in snapshot.tasks}
    alive = {task.tgid for task in snapshot.live}
    return tuple(
        dict.fromkeys(
            task.ppid
            for task in snapshot.tasks
            if task.zombie and task.leader and task.tgid not in alive and task.ppid not in inside and not task.tracer
            if task.tid != snapshot.init_tid and snapshot.pid_ns is not None
        )
    )


def _named(snapshot: Snapshot, tid: int) -> str:
    task = snapshot.task(tid)
    return f"process {tid}" if task is None else f"{task.comm} {tid}"


def _by_hand(kind: str, blockers: tuple[Blocker, ...]) -> Remedy:
    row = table.named(kind)
    waiting = ", ".join(f"{each.comm} {each.tid}" for each in blockers[:5]) or "nothing that could be seen"
    return Remedy("by hand", "", f"{row.remedy} ({waiting})")
