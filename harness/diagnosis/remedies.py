"""What would end a finding: the command, and what it does to whom.  Pure."""

from __future__ import annotations

from harness.diagnosis.records import Blocker, Remedy, Stuck
from harness.judge import blockers as table
from harness.model.records import Snapshot, Task, Verdict, tid_of
from harness.resolve import by_hand

FUSECTL = "/sys/fs/fuse/connections"
_FUSE = ("fuse-", "execve")


def remedies(
    kind: str,
    snapshot: Snapshot,
    verdict: Verdict,
    blockers: tuple[Blocker, ...],
    connection: Stuck | None,
    sharing: tuple[int, ...],
) -> tuple[Remedy, ...]:
    """The mildest first.  `sharing`: the inits of other findings that wait for the same connection."""
    found: list[Remedy] = []
    if connection is not None and any(each.kind.startswith(_FUSE) for each in blockers):
        found += _server(snapshot, verdict)
        found += _connection(connection, blockers, sharing)
    found += _tracers(snapshot)
    found += _freezers(snapshot)
    found += _parents(snapshot)
    if not found:
        found.append(_by_hand(kind, blockers))
    return tuple(found)


def _server(snapshot: Snapshot, verdict: Verdict) -> list[Remedy]:
    """A stopped process that could answer."""
    stopped = {task.tgid: task for task in _could_move(snapshot, verdict) if task.state in "Tt"}
    return [
        Remedy(
            "continue",
            by_hand.kill("CONT", pid),
            f"{task.comm} {pid}, which holds the connection's device, is stopped; it goes on and may answer",
            "continue",
            str(pid),
        )
        for pid, task in stopped.items()
    ]


def _could_move(snapshot: Snapshot, verdict: Verdict) -> list[Task]:
    tasks = [snapshot.task(tid) for name in verdict.blockers if (tid := tid_of(name)) is not None]
    return [task for task in tasks if task is not None]


def _connection(connection: Stuck, blockers: tuple[Blocker, ...], sharing: tuple[int, ...]) -> list[Remedy]:
    number = connection.number
    lost = "all its requests" if connection.waiting is None else f"{connection.waiting} request(s) in flight"
    where = f"mounted at {connection.point}" if connection.point else "mounted where we cannot see"
    effect = (
        f"connection {number} ({connection.fsname or 'name unknown'}, {where}) ends: {lost} fail with ECONNABORTED, "
        f"unwritten data is lost, and every later call on the mount fails with ENOTCONN{_others(connection, sharing)}"
    )
    found = [Remedy("abort", by_hand.write("1", f"{FUSECTL}/{number}/abort"), effect, "abort")]
    if connection.point:
        seer = next((each for each in blockers if each.kind.startswith(_FUSE)), blockers[0])
        task = f"/proc/{seer.pid}/task/{seer.tid}"
        command = by_hand.unmount(task, connection.point, by_hand.FORCE)
        found.append(Remedy("unmount", command, f"as abort, where fusectl is not to be had; {effect}"))
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
    return [
        Remedy(
            "kill-tracer",
            by_hand.kill("KILL", tracer),
            f"{_named(snapshot, tracer)} ends; the {len(traced)} task(s) that it traces are reaped by their parents",
            "kill-tracer",
            str(tracer),
        )
        for tracer, traced in tracers.items()
    ]


def _freezers(snapshot: Snapshot) -> list[Remedy]:
    groups = dict.fromkeys(task.frozen for task in snapshot.tasks if task.frozen is not None)
    return [
        Remedy(
            "thaw",
            by_hand.write("THAWED", _state_file(group)),
            f"every task in the frozen control group {group} runs on, and those with a SIGKILL pending end",
            "thaw",
            _state_file(group),
        )
        for group in groups
        if group is not None
    ]


def _state_file(group: str) -> str:
    """Where cgroup v1's freezer usually is; the other one, of v2, lets SIGKILL through."""
    return f"/sys/fs/cgroup/freezer{group}/freezer.state"


def _parents(snapshot: Snapshot) -> list[Remedy]:
    """Of the dead that came in by setns(): their parents outside must reap."""
    inside = {task.tid for task in snapshot.tasks}
    alive = {task.tgid for task in snapshot.live}
    parents = dict.fromkeys(
        task.ppid
        for task in snapshot.tasks
        if task.zombie and task.leader and task.tgid not in alive and task.ppid not in inside and not task.tracer
        if task.tid != snapshot.init_tid and snapshot.pid_ns is not None
    )
    found = []
    for parent in parents:
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


def _named(snapshot: Snapshot, tid: int) -> str:
    task = snapshot.task(tid)
    return f"process {tid}" if task is None else f"{task.comm} {tid}"


def _by_hand(kind: str, blockers: tuple[Blocker, ...]) -> Remedy:
    row = table.named(kind)
    waiting = ", ".join(f"{each.comm} {each.tid}" for each in blockers[:5]) or "nothing that could be seen"
    return Remedy("by hand", "", f"{row.remedy} ({waiting})")
