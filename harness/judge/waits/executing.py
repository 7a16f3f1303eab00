"""A task in the middle of an execve() that does not come to an end: it holds a lock that all who look at it need."""

from __future__ import annotations

from harness.judge.waits import View, Wait
from harness.model.records import Need, Progress, Task

ORDER = 5


def explain(task: Task, _: View) -> Wait | None:
    """begin_new_exec() closes descriptors with `exec_update_lock` held; for whom it waits there cannot be read."""
    if not task.held or task.zombie:
        return None
    why = f"state {task.state}, in execve(), which holds its exec_update_lock"
    if not task.killed:
        return Wait(Need.ANY, Progress.OUTSIDE, f"{why}; no SIGKILL has been sent, which may end the wait")
    return Wait(Need.ANY, Progress.UNKNOWN, f"{why}: for whom it waits cannot be read")
