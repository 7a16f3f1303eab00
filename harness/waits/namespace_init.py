"""The init of a dying PID namespace: waits until every other task in it is gone."""

from __future__ import annotations

from harness import kernel_names
from harness.model import Need, Progress, Strength, Task
from harness.waits import For, View, Wait, task_id

ORDER = 20


def explain(task: Task, view: View) -> Wait | None:
    """zap_pid_ns_processes(): kill all, reap all, then sleep until the namespace counts one task: its own."""
    if task.tid != view.snapshot.init_tid or task.zombie or not task.exiting:
        return None
    in_zap = kernel_names.has(task.functions, kernel_names.ZAP)
    if not in_zap and not (task.stack is None and kernel_names.has(task.functions, kernel_names.WAIT)):
        return None
    strength = Strength.OBSERVED if in_zap else Strength.DERIVED
    how = "zap_pid_ns_processes() waits for it" if in_zap else "init exits and sleeps in do_wait(): waits for it"
    others = [other for other in view.leaders() if other.tid != task.tid]
    return Wait(
        Need.ALL,
        Progress.WAITS,
        f"exiting, in {task.functions[0]}" + (" below zap_pid_ns_processes" if in_zap else ""),
        tuple(For(task_id(other.tid), strength, how) for other in others),
    )
