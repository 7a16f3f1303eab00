"""Why an answer is what it is: the frames with their meanings, and what else in the text supports it."""

from __future__ import annotations

from harness.blockers import table
from harness.blockers.row import Certainty, Role, Row
from harness.explain.answer import Reason
from harness.explain.judged import FUSE, Judged
from harness.explain.records import Paste
from harness.model import kernel_names

_ENTRY = (
    "entry_",
    "do_syscall_64",
    "x64_sys_call",
    "el0_svc",
    "el0t_64",
    "invoke_syscall",
    "ret_from_fork",
    "system_call",
)


def ground_of(main: Judged, supported: bool) -> str:
    task, row = main.task, main.row
    assert row is not None
    if main.via == "wchan":
        ground = f"only the wait channel {task.wchan} says so, which is the innermost function of a stack"
    elif main.via == "state":
        ground = "only its state says so"
    elif main.via == "work":
        ground = "only the work that it runs says so"
    elif task.guessed:
        ground = "every frame is marked `?`: they lay on the stack, and need not have been called"
    elif row.certainty is Certainty.UNKNOWN:
        ground = "the stack shows where it waits, not what for"
    elif row.role is Role.QUEUE:
        ground = "the stack shows the lock or the task that it waits for, not what holds that up"
    else:
        ground = "the stack names it"
    if main.place is not None and task.frames:
        ground += f": {task.functions[main.place]}()"
    if task.moved:
        ground += "; two readings of the stack differ, so that it may be slow, not stuck"
    if supported:
        ground += "; other lines of the text agree"
    return f"{main.certainty.value}: {ground}"


def agrees(main: Judged, causes: list[Judged], paste: Paste) -> bool:
    """Something else in the text than this one stack says the same."""
    same = [each for each in causes if each is not main and each.kind == main.kind]
    fuse = main.kind.startswith(FUSE) and any(kind.startswith("fuse") for kind, _, _ in paste.mounts)
    return bool(same or fuse or main.task.wchan or any(each.kind == main.kind for each in paste.messages))


def reasons(functions: tuple[str, ...], place: int | None, row: Row | None) -> tuple[Reason, ...]:
    """From the innermost function that says something outwards."""
    begin = table.top_of(functions) if place is None else min(place, table.top_of(functions))
    found = []
    for at, function in enumerate(functions[begin : begin + 14], begin):
        if function.startswith(_ENTRY):
            break
        meaning = kernel_names.MEANING.get(function, "")
        if not meaning and at == place and row is not None:
            meaning = row.meaning
        found.append(Reason(function, meaning))
    return tuple(found)
