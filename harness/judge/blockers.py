"""The blocker that keeps a task from ending: the row of the table for its stack, or for other signs than a stack."""

from __future__ import annotations

import functools

from harness.blockers import table
from harness.blockers.row import Row
from harness.blockers.states import EXECUTING, PARTICULAR, RUNS, TRACED, UNKNOWN, UNREAPED
from harness.model import kernel_names
from harness.model.records import Progress, Task
from harness.record import replace


def of_stack(functions: tuple[str, ...]) -> Row | None:
    """The row of a stack.

    Args:
        functions: Names without suffix, innermost first.
    """
    return table.of_stack(functions)


def of_task(task: Task) -> Row:
    """Find what keeps a task that is to end; `UNKNOWN` if nothing shows it."""
    if task.zombie:
        return TRACED if task.tracer else UNREAPED
    if task.held:
        return EXECUTING
    if task.frozen is not None:
        return table.named("freezer")
    if task.stack is None and task.exiting and kernel_names.awaits_fuse(task.functions):
        return table.named("fuse-flush-exit")  # a request awaited in the exit is a file's FLUSH
    found = table.of_stack(task.functions)
    if found is not None and found.kind != "unknown-lock":
        return table.named("slow-exit") if found.kind == "exit-mmap" and task.state != "D" else found
    if task.state in "Tt":
        return _stopped()
    return RUNS if task.state == "R" else UNKNOWN


@functools.lru_cache(maxsize=1)
def _stopped() -> Row:
    """Its state says so, without a stack: whoever stopped it can continue it."""
    return replace(table.named("stopped"), progress=Progress.OUTSIDE)


def named(kind: str) -> Row:
    """The first row of a kind, of the table or of those that something else than a stack shows."""
    return next(row for row in (*table.rows(), *PARTICULAR) if row.kind == kind)


@functools.lru_cache(maxsize=1)
def kinds() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.kind for row in (*table.rows(), *PARTICULAR)))


def rank(kind: str) -> int:
    """The place in the table: of several, the first is what is to be looked at."""
    return kinds().index(kind)
