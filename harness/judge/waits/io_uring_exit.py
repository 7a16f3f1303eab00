"""A task that exits with an io_uring: it waits for the requests that its workers have under way."""

from __future__ import annotations

from harness.judge.waits import For, View, Wait, task_id
from harness.model import kernel_names
from harness.model.records import Need, Progress, Strength, Task

ORDER = 26


def explain(task: Task, view: View) -> Wait | None:
    """io_uring_cancel_generic() and io_wq_put_and_exit(), io_uring/: until every worker (`iou-wrk-…`) has ended."""
    if task.zombie or not kernel_names.has(task.functions[:4], kernel_names.URING_EXIT):
        return None
    workers = [
        each
        for each in view.threads(task.tgid)
        if each.tid != task.tid and not each.zombie and each.comm.startswith("iou-")
    ]
    why = f"state {task.state}, exits, and waits for the requests of its io_uring"
    if not workers:
        return Wait(Need.ANY, Progress.OUTSIDE, f"{why}; no worker has one: whoever answers them can end it")
    how = "a worker of its io_uring, with a request under way"
    return Wait(
        Need.ALL, Progress.WAITS, why, tuple(For(task_id(each.tid), Strength.OBSERVED, how) for each in workers)
    )
