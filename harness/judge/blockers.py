"""What keeps a task from ending: the row of the table for its stack, or for what something else than a stack shows."""

from __future__ import annotations

import functools

from harness.blockers import table
from harness.blockers.row import Row
from harness.model import kernel_names
from harness.model.records import Progress, Task

UNREAPED = Row(
    kind="unreaped",
    meaning="it is dead, and its parent outside the namespace does not reap it",
    stacks=(),
    reference="zap_pid_ns_processes(), kernel/pid_namespace.c: a child that came in by setns() is its own "
    "parent's to reap",
    example="",
    fault="its parent",
    lossless="continue or end the parent",
)
TRACED = Row(
    kind="ptrace",
    meaning="it is dead, and its tracer, which has the first right to it, does not wait for it",
    stacks=(),
    reference="exit_notify() with ptrace, kernel/exit.c",
    example="",
    fault="its tracer",
    lossless="end the tracer",
)
EXECUTING = Row(
    kind="execve",
    meaning="it is in an execve() that does not end; whoever reads its stat, stack or descriptors waits with "
    "it, as `ps` does",
    stacks=(),
    reference="begin_new_exec() → do_close_on_exec(), with exec_update_lock held, fs/exec.c",
    example="",
    fault="the FUSE server of a file that execve() closes",
    lossless="abort the FUSE connection in its mountinfo that counts a waiting request: execve() closes a file of it",
)
STOPPED = Row(
    kind="stopped",
    meaning="it is stopped",
    stacks=(),
    reference="do_signal_stop(), kernel/signal.c",
    example="",
    fault="whoever sent SIGSTOP",
    lossless="continue it: kill -CONT",
)
RUNS = Row(
    kind="slow-exit",
    meaning="it runs: its exit is under way",
    stacks=(),
    reference="do_exit(), kernel/exit.c",
    example="",
    fault="nobody",
    lossless="wait",
    progress=Progress.RUNS,
)
UNKNOWN = Row(
    kind="unknown",
    meaning="for a reason that is not in the table",
    stacks=(),
    reference="",
    example="",
    fault="not known",
    lossless="keep the stack, and look at what its functions wait for",
    progress=Progress.UNKNOWN,
)
PARTICULAR = (EXECUTING, UNREAPED, TRACED, STOPPED, RUNS, UNKNOWN)
"""Rows that something else than a stack shows."""


def of_stack(functions: tuple[str, ...]) -> Row | None:
    """The row of a stack.

    Args:
        functions: Names without suffix, innermost first.
    """
    return table.of_stack(functions)


def of_task(task: Task) -> Row:
    """What keeps a task that is to end; `UNKNOWN` where nothing shows it."""
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
        return STOPPED
    return RUNS if task.state == "R" else UNKNOWN


def named(kind: str) -> Row:
    """The first row of a kind, of the table or of those that something else than a stack shows."""
    return next(row for row in (*table.rows(), *PARTICULAR) if row.kind == kind)


@functools.lru_cache(maxsize=1)
def kinds() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.kind for row in (*table.rows(), *PARTICULAR)))


def rank(kind: str) -> int:
    """The place in the table: of several, the first is what is to be looked at."""
    return kinds().index(kind)
