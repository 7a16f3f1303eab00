"""A container seen from outside: its init, whether it is armed, and its state after the kill."""

from __future__ import annotations

import contextlib
import dataclasses
import time

from harness.errors import LaunchError
from harness.judge.form import form
from harness.judge.verdict import stuck_task
from harness.linux import procfs
from harness.linux.fusectl import Fusectl
from harness.linux.polling import poll
from harness.linux.process import Target
from harness.linux.procfs import GONE
from harness.model import kernel_names
from harness.model.records import Claim, Snapshot, Task, function_of
from harness.observe.entry import try_entry
from harness.observe.snapshot import observe, read_task
from harness.run.watch import watch
from harness.runtimes.records import ProcessRow, StuckState

PATIENCE_S = 2.0
_POLL_S = 0.005


def init_of(server: int) -> int:
    """The init of the PID namespace of a process, by its number there: in a pod it need be no ancestor.

    Raises:
        LaunchError: It cannot be seen.
    """
    namespace = procfs.read_namespace(server, server, "pid")
    for pid in procfs.user_pids():
        with contextlib.suppress(*GONE, PermissionError):
            if procfs.read_namespace(pid, pid, "pid") == namespace and procfs.read_status(pid, pid).ns_tids[-1] == 1:
                return pid
    raise LaunchError(f"the init of the PID namespace of process {server} cannot be seen")


def stuck_state(target: Target, shim: int, ctl: Fusectl | None, claims: tuple[Claim, ...], began_ns: int) -> StuckState:
    """Watches until the verdict is final, or it does not come to one."""
    *_, verdict = watch(target, lambda: observe(target, ctl, claims), PATIENCE_S)
    took_ms = (time.monotonic_ns() - began_ns) / 1e6
    last = verdict.snapshots[-1]
    entry = try_entry(target.init, None) if last.live else None
    verdict = dataclasses.replace(verdict, form=form(last, stuck_task(verdict), entry))
    return StuckState(verdict.outcome, verdict.reasons, verdict.form, tree(last, shim), took_ms)


def tree(snapshot: Snapshot, shim: int) -> tuple[ProcessRow, ...]:
    """The processes from the parent of the namespace's init down, each with a live task."""
    found = []
    with contextlib.suppress(*GONE):
        found.append(_process_row("parent", read_task(shim, shim), (), None))
    leaders = [task for task in snapshot.tasks if task.leader]
    for leader in sorted(leaders, key=lambda task: (task.tid != snapshot.init_tid, task.tid)):
        threads = tuple(task for task in snapshot.tasks if task.tgid == leader.tid)
        role = "init" if leader.tid == snapshot.init_tid else "process"
        found.append(_process_row(role, leader, threads, snapshot.init_tid))
    return tuple(found)


def _process_row(role: str, leader: Task, threads: tuple[Task, ...], init: int | None) -> ProcessRow:
    live = [task for task in threads if not task.zombie] or [leader]
    names = live[0].functions
    shown = next((name for name in names if name in _SHOWN_FUNCTIONS), names[0] if names else None)
    return ProcessRow(role, leader.tid, leader.comm, leader.state, leader.threads, None if init is None else shown)


_SHOWN_FUNCTIONS = ("fuse_flush", "zap_pid_ns_processes")


def await_blocked(init: int, server: int, within_s: float) -> bool:
    """Wait until a task of the namespace comes to wait for a FUSE answer that is not the server's own."""
    namespace = procfs.read_namespace(init, init, "pid")

    def blocked() -> bool:
        for pid in procfs.user_pids():
            with contextlib.suppress(*GONE, PermissionError):
                if pid == server or procfs.read_namespace(pid, pid, "pid") != namespace:
                    continue
                for tid in procfs.tids(pid):
                    frames = procfs.read_stack(tid, pid) or (procfs.read_wchan(tid, pid) or "",)
                    if kernel_names.awaits_fuse(map(function_of, frames)):
                        return True
        return False

    return poll(within_s, blocked, _POLL_S)


def await_empty(target: Target, within_s: float) -> float | None:
    """Seconds until the namespace's init is gone; None: it is not."""
    began = time.monotonic()

    def gone() -> bool:
        try:
            stat = procfs.read_process_stat(target.init)
        except GONE:
            return True
        return stat.start_time != target.start_time or (stat.state in "ZX" and stat.threads == 1)

    return time.monotonic() - began if poll(within_s, gone, 0.0005) else None
