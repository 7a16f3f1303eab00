"""The next text to paste: what a text does not show and the answer needs."""

from __future__ import annotations

from harness.blockers.row import Certainty, Role, Row
from harness.explain.judged import FUSE, Judged
from harness.explain.records import Paste, TaskText


def asked_for(
    row: Row | None,
    certainty: Certainty,
    causes: list[Judged],
    unexplained: list[Judged],
    task: TaskText | None,
    paste: Paste,
) -> tuple[str, ...]:
    found = []
    if row is None or certainty is not Certainty.LIKELY:
        bare = [each.task for each in unexplained if not each.task.frames and each.task.pid is not None]
        if task is not None and not task.frames and task.pid is not None:
            bare.insert(0, task)
        if bare:
            pids = " ".join(dict.fromkeys(str(each.pid) for each in bare[:5]))
            found.append(f"the kernel stack: as root, `for p in {pids}; do cat /proc/$p/task/*/stack; done`")
    if task is not None and task.guessed:
        found.append(f"a stack without `?`: as root, `cat /proc/{task.pid or 'PID'}/stack`")
    if row is not None and row.role is Role.QUEUE and not causes:
        found.append(
            "the other blocked tasks, of which one holds what this one waits for: `echo w > "
            "/proc/sysrq-trigger`, then `dmesg`"
        )
    if row is not None and row.kind.startswith(FUSE) and not paste.mounts and not paste.connections:
        pid = task.pid if task is not None and task.pid is not None else "PID"
        found.append(
            f"the mount's device number and the server: `grep fuse /proc/{pid}/mountinfo`, `ls -l /proc/*/fd "
            f"2>/dev/null | grep /dev/fuse`"
        )
    if not paste.kernel:
        found.append("the kernel: `uname -r`")
    return tuple(found)
