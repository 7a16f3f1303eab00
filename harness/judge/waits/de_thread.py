"""A thread that executes a program: it waits until the other threads of its process are gone."""

from __future__ import annotations

from harness.judge.waits import For, View, Wait, task_id
from harness.model import kernel_names
from harness.model.records import Need, Progress, Strength, Task

ORDER = 25


def explain(task: Task, view: View) -> Wait | None:
    """de_thread(), fs/exec.c, has killed them, and sleeps until they have passed exit_notify(); its own SIGKILL does
    not wake it
    as long as one of them is left.
    """
    if task.zombie or not kernel_names.has(task.functions[:3], kernel_names.DE_THREAD):
        return None
    others = [each for each in view.threads(task.tgid) if each.tid != task.tid and not each.zombie]
    if not others:
        return None
    how = "de_thread() waits until this thread is gone"
    return Wait(
        Need.ALL,
        Progress.WAITS,
        f"state {task.state}, in execve(): waits for {len(others)} other thread(s) of its process",
        tuple(For(task_id(each.tid), Strength.OBSERVED, how) for each in others),
    )
