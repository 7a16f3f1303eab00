"""A container and its server seen from outside: who serves, what it holds, and what became of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from harness.judge.verdict import judge
from harness.linux import procfs
from harness.linux.fuse_device import is_fuse_device
from harness.linux.fusectl import Fusectl
from harness.linux.mountinfo import fuse_mounts
from harness.linux.polling import poll
from harness.linux.process import Target
from harness.linux.procfs import GONE
from harness.model import kernel_names
from harness.model.records import PF_EXITING, Claim, Outcome, Snapshot, function_of
from harness.observe.snapshot import observe
from harness.run.watch import watch
from harness.servers.records import Ending, StuckTask

PATIENCE_S = 1.0
"""Seconds in which a task that could still answer may do so."""
_EXITS_S = 5.0
"""Seconds in which a killed process comes to exit, or to wait where no signal reaches it."""
_POLL_S = 0.005
_TELLING = ("fuse_flush", "fuse_release_common", "fuse_wait_on_page_writeback", "zap_pid_ns_processes")


def processes(init: int) -> list[int]:
    """The live processes of the PID namespace of its init, but for that."""
    with contextlib.suppress(*GONE):
        namespace = procfs.read_namespace(init, init, "pid")
        return [pid for pid in procfs.user_pids() if pid != init and _lives_in(pid, namespace)]
    return []


def _lives_in(pid: int, namespace: int) -> bool:
    with contextlib.suppress(*GONE, PermissionError):
        return procfs.read_namespace(pid, pid, "pid") == namespace and procfs.read_process_stat(pid).state not in "ZX"
    return False


def servers(init: int) -> list[int]:
    """The processes of the container that have a FUSE device open: some servers fork before they serve."""
    return [pid for pid in processes(init) if _has_device(pid)]


def _has_device(pid: int) -> bool:
    with contextlib.suppress(*GONE):
        return any(is_fuse_device(pid, pid, fd, name) for fd, name in procfs.read_descriptors(pid, pid))
    return False


def threads(pids: list[int]) -> int:
    """The number of threads that the processes have together."""
    count = 0
    for pid in pids:
        with contextlib.suppress(*GONE):
            count += len(procfs.tids(pid))
    return count


def holds_own(pid: int, connection: int) -> bool:
    """True if a descriptor of the process belongs to a mount of that connection: fdinfo names the mount (mnt_id)."""
    with contextlib.suppress(*GONE):
        own = {entry.id for entry in fuse_mounts(pid, pid) if entry.device == connection}
        for fd, _ in procfs.read_descriptors(pid, pid):
            with contextlib.suppress(*GONE):
                if _mount_id(procfs.read_fdinfo(pid, pid, fd)) in own:
                    return True
    return False


def _mount_id(text: str) -> int:
    """From a descriptor's fdinfo (seq_show(), fs/proc/fd.c); 0 where there is none."""
    found = (line.partition(":")[2] for line in text.split("\n") if line.startswith("mnt_id:"))
    return int(next(found, "0"))


def awaits_fuse(pid: int) -> bool:
    """True if a task of the process waits for the answer to a FUSE request."""
    with contextlib.suppress(*GONE):
        return any(map(kernel_names.awaits_fuse, _functions(pid)))
    return False


def waiters(init: int) -> tuple[tuple[int, int], ...]:
    """The tasks of the container's servers that wait for a FUSE answer, each with how often it has run."""
    found = []
    for pid in servers(init):
        with contextlib.suppress(*GONE):
            for tid in procfs.tids(pid):
                with contextlib.suppress(*GONE):
                    frames = procfs.read_stack(tid, pid) or (procfs.read_wchan(tid, pid) or "",)
                    if kernel_names.awaits_fuse(map(function_of, frames)):
                        status = procfs.read_status(tid, pid)
                        found.append((tid, status.switches or 0))
    return tuple(found)


class Rest:
    """A state in which tasks stay as they are for some seconds: they wait, and do not run meanwhile."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: tuple[tuple[int, int], ...] = ()
        self._since = 0.0

    def reached(self, seen: tuple[tuple[int, int], ...]) -> bool:
        """True if these tasks were seen all that time, and no others; never with none."""
        now = time.monotonic()
        if seen != self._seen:
            self._seen, self._since = seen, now
        return bool(seen) and now - self._since >= self._seconds


def waits_in_open(pid: int) -> bool:
    """True if a task of the process sleeps in open(2): for an answer, or for a lookup by somebody who waits for one
    (d_alloc_parallel(), fs/dcache.c)."""
    with contextlib.suppress(*GONE):
        return any(not _OPEN.isdisjoint(names) for names in _functions(pid))
    return False


_OPEN = frozenset({"do_sys_openat2", "do_sys_open"})


def _functions(pid: int) -> Iterator[tuple[str, ...]]:
    for tid in procfs.tids(pid):
        with contextlib.suppress(*GONE):
            frames = procfs.read_stack(tid, pid) or (procfs.read_wchan(tid, pid) or "",)
            yield tuple(map(function_of, frames))


def ending(target: Target, ctl: Fusectl, claims: tuple[Claim, ...], began_ns: int) -> Ending:
    """Watch a namespace, or a process, until the verdict on it is final.

    One that does not come to exit, because its first thread waits for the server in an open(2), is judged by two looks.
    """
    poll(_EXITS_S, lambda: _exits(target) or awaits_fuse(target.init) or waits_in_open(target.init), _POLL_S)
    if _exits(target):
        *_, verdict = watch(target, lambda: observe(target, ctl, claims), PATIENCE_S)
    else:
        verdict = judge((observe(target, ctl, claims), observe(target, ctl, claims)))
    took_ms = (time.monotonic_ns() - began_ns) / 1e6
    stuck = () if verdict.outcome is Outcome.RELEASED else stuck_tasks(verdict.snapshots[-1])
    return Ending(verdict.outcome, verdict.reasons, took_ms, stuck)


def _exits(target: Target) -> bool:
    """True if it is gone, or has begun to exit (PF_EXITING)."""
    try:
        stat = procfs.read_process_stat(target.init)
    except GONE:
        return True
    return stat.start_time != target.start_time or bool(stat.flags & PF_EXITING)


def stuck_tasks(snapshot: Snapshot) -> tuple[StuckTask, ...]:
    """The live tasks of a snapshot, each with the function that says most of its stack."""
    found = []
    for task in snapshot.live:
        names = task.functions
        function = next((name for name in _TELLING if name in names), names[0] if names else "")
        found.append(StuckTask(task.tid, task.comm, task.state, function))
    return tuple(found)


def await_gone(target: Target, within_s: float) -> float | None:
    """Milliseconds until the target's process is gone or has no live thread; None: it is still there."""
    began = time.monotonic()

    def gone() -> bool:
        try:
            stat = procfs.read_process_stat(target.init)
        except GONE:
            return True
        return stat.start_time != target.start_time or (stat.state in "ZX" and stat.threads <= 1)

    return (time.monotonic() - began) * 1e3 if poll(within_s, gone, 0.0005) else None
