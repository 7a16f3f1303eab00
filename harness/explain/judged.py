"""The row of the table that explains one task: by its stack, its wait channel, its work or its state."""

from __future__ import annotations

import functools

from harness.blockers import table
from harness.blockers.row import Certainty, Role, Row
from harness.explain.records import TaskText
from harness.record import record

FUSE = "fuse-"
"""The beginning of the kinds of all waits for a FUSE server."""
CERTAINTIES = (Certainty.LIKELY, Certainty.POSSIBLE, Certainty.UNKNOWN)


@record(frozen=True, slots=True)
class Judged:
    """A task and the row that explains it.

    Attributes:
        task: The task.
        row: The row; None where none explains it.
        place: Index of the frame that the row was known by; None where it was not a frame.
        certainty: How much it says.
        via: What told it: `stack`, `wchan`, `state`, `work`.
    """

    task: TaskText
    row: Row | None
    place: int | None
    certainty: Certainty
    via: str

    @property
    def kind(self) -> str:
        return "unknown" if self.row is None else self.row.kind

    @property
    def name(self) -> str:
        return named(self.task)


def named(task: TaskText) -> str:
    if task.comm and task.pid is not None:
        return f"{task.comm} {task.pid}"
    if task.comm:
        return task.comm
    return f"task {task.pid}" if task.pid is not None else "the task"


def judged(task: TaskText) -> Judged:
    """The row of one task.

    A task that a tracer has is stopped by it in state t alone (T before 2.6.33): of one in D, the tracer looks on.

    A kworker's stack that is cut off before its outer end still has the function of its work: the header names it.
    """
    if task.frames:
        functions, modules = task.functions, task.modules
        work = _work(task)
        if work and work not in functions and "process_one_work" not in functions:
            functions, modules = (*functions, work), (*modules, "") if modules else ()
        found = table.match(functions, modules)
        if found is not None:
            certainty = at_most(found.row.certainty, Certainty.POSSIBLE) if task.guessed else found.row.certainty
            return Judged(task, found.row, min(found.place, len(task.frames) - 1), certainty, "stack")
    if task.wchan:
        row = of_wchan(task.wchan)
        if row is not None:
            return Judged(task, row, None, at_most(row.certainty, Certainty.POSSIBLE), "wchan")
    if task.workqueue:
        functions = tuple(each for each in task.workqueue.split() if each.isidentifier())
        row = table.of_stack(functions)
        if row is not None and row.fallback == 0:
            return Judged(task, row, None, Certainty.POSSIBLE, "work")
    if task.state == "t" or (task.tracer is not None and task.state in ("", "T", "Z")):
        return Judged(task, table.named("ptrace"), None, Certainty.POSSIBLE, "state")
    if task.state == "T":
        return Judged(task, table.named("stopped"), None, Certainty.LIKELY, "state")
    if task.state == "Z" and not task.frames:
        return Judged(task, table.named("dead"), None, Certainty.POSSIBLE, "state")
    return Judged(task, None, None, Certainty.UNKNOWN, "stack" if task.frames else "state")


def _work(task: TaskText) -> str:
    """`scsi_wq_1 __iscsi_unbind_session` → `__iscsi_unbind_session`: print_worker_info(), kernel/workqueue.c."""
    words = task.workqueue.split()
    return words[1] if len(words) > 1 else ""


@functools.lru_cache(maxsize=4096)
def of_wchan(wchan: str) -> Row | None:
    """The row of a wait channel, which ps cuts off and takes the leading underscores off (`refrig`).

    Args:
        wchan: As ps or /proc/PID/wchan print it.

    Returns:
        The row; None where no function of the table begins so, or those of several kinds do.
    """
    row = table.of_stack((wchan,)) or table.of_stack(("__" + wchan,))
    if row is not None:
        return row
    by_name = next((each for each in table.rows() if wchan in each.wchans), None)
    if by_name is not None or len(wchan) < 6:
        return by_name
    names = [each for each in table.vocabulary() if each.lstrip("_").startswith(wchan.rstrip("+").lstrip("_"))]
    rows = {row.kind: row for name in names if (row := table.of_stack((name,))) is not None}
    return next(iter(rows.values())) if len(rows) == 1 else None


def at_most(one: Certainty, other: Certainty) -> Certainty:
    order = (Certainty.LIKELY, Certainty.POSSIBLE, Certainty.UNKNOWN)
    return max(one, other, key=order.index)


def rests(each: Judged) -> bool:
    """An ordinary sleeper, or what a CPU runs at the moment; a task in state D never rests."""
    if each.task.state == "R":
        return True
    if each.row is None:
        return each.task.state not in ("D", "") or (
            not each.task.frames and not each.task.state and not each.task.wchan
        )
    return each.row.role is Role.IDLE and not (each.task.state == "D" and each.row.fallback == 0)
