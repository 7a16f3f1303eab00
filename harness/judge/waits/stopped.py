"""A stopped task: SIGCONT, or its tracer, can set it going again."""

from __future__ import annotations

from harness.judge.waits import View, Wait
from harness.model import kernel_names
from harness.model.records import Need, Progress, Task

ORDER = 40


def explain(task: Task, _: View) -> Wait | None:
    if task.state not in "Tt" or task.exiting:
        return None
    if task.state == "t" and kernel_names.below(task.functions, kernel_names.PTRACE_STOP, kernel_names.EXIT):
        # Its SIGKILL has brought it here and is spent: PTRACE_EVENT_EXIT, ptrace_event() in do_exit().
        return Wait(Need.ANY, Progress.OUTSIDE, f"state t: stopped in its exit for its tracer {task.tracer}")
    if task.killed:
        return Wait(Need.ANY, Progress.RUNS, f"state {task.state}, and the pending SIGKILL wakes it")
    return Wait(Need.ANY, Progress.OUTSIDE, f"state {task.state}: stopped, and can be continued")
