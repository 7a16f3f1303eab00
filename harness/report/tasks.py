"""Tasks in words: names, notes and kernel stacks, the same in every format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model import kernel_names
from harness.model.records import Snapshot, Task, function_of
from harness.report.text import counted, visible

STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "uninterruptible",
    "Z": "zombie",
    "X": "dead",
    "T": "stopped",
    "t": "traced",
    "I": "idle",
}
"""State letters of /proc/PID/stat (`task_state_array` in fs/proc/array.c)."""
OUTSIDE = "outside of the namespace"
"""Stands for the parent of init where that was not seen."""
NOT_READABLE = "stack not readable by this user"
NO_STACK = "no kernel stack: the task runs"
_FRAME_COLUMN = 44


def task_name(task: Task | None) -> str:
    """Name a task by its comm and its TID, as `python 7317`; None is the root of a process tree without a task."""
    return OUTSIDE if task is None else f"{visible(task.comm)} {task.tid}"


def task_notes(task: Task, snapshot: Snapshot | None = None) -> list[str]:
    """Describe what is particular about a task.

    Args:
        task: The task.
        snapshot: Where the task was seen; None for a task outside of the namespace.

    Returns:
        Notes of a few words each: its role, zombie, threads, exit, freezer, tracer, innermost kernel function.
    """
    notes = []
    if snapshot is not None and task.tid == snapshot.init_tid:
        notes.append("PID 1 of the namespace" if snapshot.pid_ns is not None else "the process that must exit")
    if task.zombie and task.leader:
        notes.append("zombie")
    if task.leader and task.threads > 1:
        notes.append(counted(task.threads, "thread"))
    if not task.zombie and (task.exiting or task.killed):
        notes.append("exiting" if task.exiting else "SIGKILL pending")
    if task.frozen:
        notes.append(f"frozen by {visible(task.frozen)}")
    if task.tracer:
        notes.append(f"traced by {task.tracer}")
    if task.functions and not task.zombie:
        notes.append(f"in {visible(task.functions[0])}")
    return notes


def noted(task: Task, snapshot: Snapshot | None = None) -> str:
    """Join the notes of a task as ` (zombie, 2 threads)`; empty where there are none."""
    notes = task_notes(task, snapshot)
    return f" ({', '.join(notes)})" if notes else ""


def task_label(task: Task | None, snapshot: Snapshot | None = None) -> str:
    """Label a task on one line: name, state and notes."""
    return task_name(task) if task is None else f"{task_name(task)} {visible(task.state)}{noted(task, snapshot)}"


@dataclass(frozen=True, slots=True)
class Stack:
    """The live tasks that have the same kernel stack."""

    tasks: tuple[Task, ...]
    role: str
    """`init`, or `thread of PID`; several tasks may be of several processes, then it is empty."""
    frames: tuple[tuple[str, str], ...] | None
    """Each frame with the meaning of its function, where that is known; None: the stack may not be read."""
    wchan: str

    @property
    def lack(self) -> str:
        """Why there are no frames; empty where there are."""
        if self.frames is None:
            return f"{NOT_READABLE}; wchan {self.wchan}"
        return "" if self.frames else NO_STACK


def stacks(snapshot: Snapshot, together: bool = False) -> tuple[Stack, ...]:
    """Collect the kernel stacks of the live tasks.

    Args:
        snapshot: The reading to show.
        together: Whether tasks with the same stack share an entry; init always has its own.
    """
    groups: dict[object, list[Task]] = {}
    for task in snapshot.live:
        same = (task.tid == snapshot.init_tid, task.stack, task.wchan if task.stack is None else None)
        groups.setdefault(same if together else task.tid, []).append(task)
    return tuple(
        Stack(tuple(tasks), _role(tasks, snapshot), frames_of(tasks[0]), visible(tasks[0].wchan or "-"))
        for tasks in groups.values()
    )


def _role(tasks: list[Task], snapshot: Snapshot) -> str:
    if tasks[0].tid == snapshot.init_tid:
        return "init"
    groups = {task.tgid for task in tasks}
    return f"thread of {groups.pop()}" if len(groups) == 1 else ""


def frames_of(task: Task) -> tuple[tuple[str, str], ...] | None:
    """Pair each frame of a task's stack with its function's meaning; None where the stack may not be read."""
    return explained(task.stack)


def explained(stack: Iterable[str] | None) -> tuple[tuple[str, str], ...] | None:
    """Pair each frame with the meaning of its function, or with an empty text; None stays None."""
    if stack is None:
        return None
    return tuple((visible(frame), kernel_names.MEANING.get(function_of(frame), "")) for frame in stack)


def frame_line(frame: str, meaning: str) -> str:
    """Write a frame and, in a column of its own, what the function does."""
    return f"{frame:{_FRAME_COLUMN}} {meaning}".rstrip()


def glossary(snapshot: Snapshot) -> dict[str, str]:
    """Collect the known functions of all the stacks and their meanings, in the order in which they are met."""
    names = dict.fromkeys(name for task in snapshot.live for name in task.functions)
    return {name: kernel_names.MEANING[name] for name in names if name in kernel_names.MEANING}
