"""A task that its cgroup keeps frozen: thawing the group sets it going."""

from __future__ import annotations

from harness.judge.waits import View, Wait
from harness.model.records import Need, Progress, Task

ORDER = 15


def explain(task: Task, _: View) -> Wait | None:
    """cgroup v1's freezer holds also a task with a SIGKILL pending (freezing_slow_path(), kernel/freezer.c)."""
    if task.frozen is None or task.zombie:
        return None
    return Wait(Need.ANY, Progress.OUTSIDE, f"state {task.state}, frozen by cgroup {task.frozen}, and can be thawed")
