"""A zombie: waits for its own threads, then to be reaped."""

from __future__ import annotations

from harness.judge.waits import For, View, Wait, task_id
from harness.judge.waits.namespace_init import in_zap
from harness.model.records import Need, Progress, Strength, Task

ORDER = 10


def explain(task: Task, view: View) -> Wait | None:
    """A leader that exited first stays a zombie, unreapable, while a thread of its lives (delay_group_leader())."""
    if not task.zombie:
        return None
    alive = [thread for thread in view.threads(task.tgid) if thread.tid != task.tid and not thread.zombie]
    if task.leader and alive:
        return Wait(
            Need.ALL,
            Progress.WAITS,
            f"state {task.state}, with {len(alive)} live thread(s): cannot be reaped before them",
            tuple(
                For(
                    task_id(thread.tid),
                    Strength.OBSERVED,
                    f"live thread of the zombie leader, state {thread.state}",
                )
                for thread in alive
            ),
        )
    return _reaping(task, view)


def _reaping(task: Task, view: View) -> Wait:
    """The tracer reaps first, then the parent; a parent that dies leaves its children to the namespace's init."""
    if task.tracer:
        target, role = task.tracer, "its tracer"
    else:
        target, role = task.ppid, "its parent"
    reapers = view.threads(target)
    if any(in_zap(each, view) for each in reapers) and not task.tracer:
        return Wait(Need.ALL, Progress.RUNS, "state Z: the exiting init reaps it at once (kernel_wait4())")
    if target in view.by_tid:
        evidence = f"state Z: only {role} {target} can reap it"
        return Wait(Need.ALL, Progress.WAITS, evidence, (For(task_id(target), Strength.OBSERVED, evidence),))
    return Wait(Need.ALL, Progress.OUTSIDE, f"state Z: {role} {target}, outside the namespace, has not reaped it")
