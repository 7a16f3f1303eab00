"""A task that sleeps until a FUSE server answers, or until the requests of others have been answered."""

from __future__ import annotations

from harness.judge.requests import candidates
from harness.judge.waits import MANY_CONNECTIONS, For, View, Wait, connection_id, task_id
from harness.model import kernel_names
from harness.model.records import Need, Progress, Strength, Task

ORDER = 14
"""Before the freezer: a task that was frozen in the middle of this wait waits on when it is thawed."""


def explain(task: Task, view: View) -> Wait | None:
    if task.zombie or task.state in "Tt" or kernel_names.has(task.functions, kernel_names.FROZEN):
        return None
    if kernel_names.awaits_fuse(task.functions):
        return _own_request(task, view)
    if kernel_names.awaits_background(task.functions):
        return _others_requests(task, view)
    if kernel_names.awaits_fuse_lock(task.functions):
        return _lock(task, view)
    return None


def _own_request(task: Task, view: View) -> Wait:
    why = f"state {task.state}, sleeps in request_wait_answer()"
    if task.killed and not task.exiting and task.state == "S":
        return Wait(Need.ANY, Progress.RUNS, f"{why}, interruptibly: the pending SIGKILL wakes it")
    asked = view.requests.asked(task)
    if not asked.numbers:
        return Wait(Need.ANY, Progress.UNKNOWN, f"{why}, on a connection that cannot be told")
    return Wait(Need.ANY, Progress.WAITS, why, _targets(asked.numbers, asked.strength, asked.evidence, view))


def _targets(numbers: tuple[int, ...], strength: Strength, evidence: str, view: View) -> tuple[For, ...]:
    if len(numbers) > 1 and (len(numbers) > MANY_CONNECTIONS or view.are_all_waiting(numbers)):
        return (For(view.one_of(numbers), strength, evidence),)
    return tuple(For(connection_id(number), strength, evidence) for number in numbers)


def _others_requests(task: Task, view: View) -> Wait:
    """Pages under writeback, INIT, or the limit of requests: they end when the server answers (fuse_request_end())."""
    why = f"state {task.state}, in {task.functions[0]}(): waits until requests of a FUSE connection have ended"
    memory = view.snapshot.memory
    served = None if memory is None else memory.awaited_by(task.tid)
    if served is not None:
        found = For(connection_id(served.number), Strength.OBSERVED, "kernel memory: it waits to be let in")
        return Wait(Need.ANY, Progress.WAITS, why, (found,))
    seen = set(view.connections_seen(task.tgid))
    asked = [each for each in view.snapshot.connections if each.waiting != 0]
    near = [each.number for each in asked if each.number in seen] or [each.number for each in asked]
    if not near:
        return Wait(Need.ANY, Progress.UNKNOWN, f"{why}; none of them counts a request")
    far = [each.number for each in asked if each.number not in near and view.reaches(each.number)]
    strength = Strength.DERIVED if len(near) + len(far) == 1 else Strength.ASSUMED
    return Wait(
        Need.ANY,
        Progress.WAITS,
        why,
        _targets((*near, *far), strength, "it counts requests that are not answered", view),
    )


def _lock(task: Task, view: View) -> Wait:
    """The holder of the lock has a request in flight on the same mount."""
    why = f"state {task.state}, waits for a lock of a FUSE file or folder"
    own = set(view.connections_seen(task.tgid))
    holders = [
        other
        for other in view.all
        if other.tid != task.tid and not other.zombie and kernel_names.awaits_fuse(other.functions)
        if not own or own.intersection(candidates(view, (other,)))
    ]
    if not holders:
        return Wait(Need.ANY, Progress.UNKNOWN, f"{why}; no task has a request in flight that could hold it")
    how = "it has a request in flight on a mount that both see: such a task holds the lock"
    return Wait(
        Need.ANY, Progress.WAITS, why, tuple(For(task_id(other.tid), Strength.ASSUMED, how) for other in holders)
    )
