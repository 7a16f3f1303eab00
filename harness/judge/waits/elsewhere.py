"""A task that no signal reaches, and that waits for something beyond FUSE: a network server, a disk, a frozen group."""

from __future__ import annotations

from harness.judge import blockers
from harness.judge.waits import View, Wait
from harness.model.records import Need, Progress, Task

ORDER = 50


def explain(task: Task, _: View) -> Wait | None:
    """The table of stacks names the wait; a stack that is not in it stays unknown."""
    if not task.killed or not (task.exiting or task.state == "D"):
        return None
    row = blockers.of_stack(task.functions)
    if row is None or row.progress is Progress.UNKNOWN:
        return None
    return Wait(Need.ANY, row.progress, f"state {task.state}, in {task.functions[0]}: {row.meaning}")
