"""The init of a dying PID namespace: waits until every other task in it is gone."""

from __future__ import annotations

from harness.judge.waits import For, View, Wait, task_id
from harness.model import kernel_names
from harness.model.records import Need, Progress, Strength, Task

ORDER = 20


def explain(task: Task, view: View) -> Wait | None:
    """zap_pid_ns_processes(): kill all, reap all, then sleep until the namespace counts one task: its own."""
    if not in_zap(task, view):
        return None
    seen = kernel_names.has(task.functions, kernel_names.ZAP)
    strength = Strength.OBSERVED if seen else Strength.DERIVED
    how = "zap_pid_ns_processes() waits for it" if seen else "init exits and sleeps in do_wait(): waits for it"
    return Wait(
        Need.ALL,
        Progress.WAITS,
        f"exiting, in {task.functions[0]}" + (" below zap_pid_ns_processes" if seen else ""),
        tuple(For(task_id(other.tid), strength, how) for other in view.leaders_below(task)),
    )


def in_zap(task: Task, view: View) -> bool:
    """The last thread of PID 1, of this namespace or of one nested in it, asleep in the zap; its leader may have
    exited before
    (find_child_reaper(), kernel/exit.c).  Without a stack, what it sleeps in tells."""
    leader = view.by_tid.get(task.tgid, task)
    own = task.tgid == view.snapshot.init_tid or leader.ns_tids[-1:] == (1,)
    if task.zombie or not task.exiting or not own:
        return False
    if kernel_names.has(task.functions, kernel_names.ZAP):
        return True
    return task.stack is None and kernel_names.has(task.functions, kernel_names.WAIT)
