"""A task that sleeps until a FUSE server answers."""

from __future__ import annotations

from harness.judge.waits import WAITING_CONNECTIONS, For, View, Wait, connection_id, counting
from harness.model import kernel_names
from harness.model.records import Need, Progress, Strength, Task

ORDER = 30
_ITS_REQUEST = "kernel memory: its request is on this connection"


def explain(task: Task, view: View) -> Wait | None:
    if not kernel_names.awaits_fuse(task.functions):
        return None
    why = f"state {task.state}, sleeps in request_wait_answer()"
    if not task.killed and not view.undisturbed:
        return Wait(Need.ANY, Progress.OUTSIDE, f"{why}; no SIGKILL has been sent, which may end the wait")
    if task.killed and not task.exiting and task.state == "S":
        return Wait(Need.ANY, Progress.RUNS, f"{why}, interruptibly: the pending SIGKILL wakes it")
    candidates = _candidates(task, view)
    if not candidates:
        return Wait(Need.ANY, Progress.UNKNOWN, f"{why}, on a connection that cannot be told")
    return Wait(Need.ANY, Progress.WAITS, why, candidates)


def _candidates(task: Task, view: View) -> tuple[For, ...]:
    """The connections that this request can be on.

    The descriptor table is gone by now, so no descriptor tells.  A request in flight counts in its connection's
    `waiting`; of those that count one, the task's own mount namespace tells which it can have opened a file on.
    Several left over are all kept, and one that can still move keeps the proof from being made.
    """
    asked = None if view.snapshot.memory is None else view.snapshot.memory.awaited_by(task.tid)
    if asked is not None:
        return (For(connection_id(asked.number), Strength.OBSERVED, _ITS_REQUEST),)
    waiting = {each.number: each.waiting for each in view.snapshot.connections if each.waiting != 0}
    seen = {mount.connection: mount for mount in view.mounts_of(task.tgid) if mount.connection in waiting}
    if seen:
        hosts = [each.number for each in view.snapshot.connections if each.virtiofs and each.number in waiting]
        alone = len(seen) == 1 and not hosts
        strength = Strength.DERIVED if alone else Strength.ASSUMED
        rule = "the only one" if alone else f"one of {len(seen) + len(hosts)}"
        return (
            *(
                For(
                    connection_id(number),
                    strength,
                    f"{rule} in its mountinfo ({mount.fsname}) {counting(waiting[number])}",
                )
                for number, mount in seen.items()
            ),
            *(For(connection_id(number), strength, f"virtiofs {counting(waiting[number])}") for number in hosts),
        )
    if len(waiting) > 1:
        return (For(WAITING_CONNECTIONS, Strength.ASSUMED, "it sees no FUSE mount that could tell which"),)
    return tuple(
        For(connection_id(number), Strength.DERIVED, f"the only one on this machine {counting(count)}")
        for number, count in waiting.items()
    )
