"""Rows that something else than a stack shows: a task's state, its parent, its tracer, a reader that waits for it."""

from __future__ import annotations

from harness.blockers.row import Row
from harness.model.terms import Progress

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
PARTICULAR = (EXECUTING, UNREAPED, TRACED, RUNS, UNKNOWN)
"""Rows that something else than a stack shows."""
