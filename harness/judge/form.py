"""The form of the deadlock that was first described: a checklist, each line with its evidence.  Pure.

The form is no condition of the deadlock: the judge proves that without it.  It tells whether a hang looks as the
write-up's did, line by line.
"""

from __future__ import annotations

import errno

from harness.model import kernel_names
from harness.model.records import SIGKILL_MASK, Check, Entry, Snapshot, Task


def form(snapshot: Snapshot, stuck: Task | None, entry: Entry | None) -> tuple[Check, ...]:
    return (
        _init_in_zap(snapshot),
        _leader_zombie(snapshot, stuck),
        _one_live_task(snapshot),
        _in_flush(stuck),
        _sigkill_futile(stuck),
        _no_entry(entry),
    )


def _init_in_zap(snapshot: Snapshot) -> Check:
    title = "init is in zap_pid_ns_processes()"
    init = snapshot.init
    if init is None or init.zombie:
        return Check("init-in-zap", title, False, "init is gone")
    if kernel_names.has(init.functions, kernel_names.ZAP):
        return Check("init-in-zap", title, True, f"stack of {init.tid}: {' < '.join(init.functions[:4])}")
    if init.stack is not None:
        return Check("init-in-zap", title, False, f"stack of {init.tid}: {' < '.join(init.functions[:4]) or 'empty'}")
    sleeps = init.exiting and kernel_names.has(init.functions, kernel_names.WAIT)
    evidence = f"stack not readable; init {init.tid}: state {init.state}, wchan {init.wchan}"
    if sleeps:
        # An exiting task sleeps in do_wait() only there: it is past every wait of its program's own.
        return Check("init-in-zap", title, True, f"{evidence}, exiting (PF_EXITING)")
    return Check("init-in-zap", title, None if init.exiting else False, evidence)


def _leader_zombie(snapshot: Snapshot, stuck: Task | None) -> Check:
    title = "the leader of the stuck thread group is a zombie"
    if stuck is None:
        return Check("leader-zombie", title, False, "no task is stuck in a FUSE request")
    leader = snapshot.task(stuck.tgid)
    if leader is None:
        return Check("leader-zombie", title, None, f"leader {stuck.tgid} was not seen")
    evidence = f"{leader.tid} ({leader.comm}): state {leader.state}, {leader.threads} threads in its group"
    return Check("leader-zombie", title, leader.zombie and not stuck.leader, evidence)


def _one_live_task(snapshot: Snapshot) -> Check:
    title = "exactly one live task remains beside init"
    live = [task for task in snapshot.live if task.tid != snapshot.init_tid]
    named = ", ".join(f"{task.tid} ({task.comm}) state {task.state}" for task in live)
    return Check("one-live-task", title, len(live) == 1, named or "none")


def _in_flush(stuck: Task | None) -> Check:
    title = "it is in the FUSE flush, below do_exit()"
    if stuck is None:
        return Check("flush-in-exit", title, False, "no task is stuck in a FUSE request")
    names = stuck.functions
    if stuck.stack is not None:
        holds = kernel_names.below(names, kernel_names.FUSE_FLUSH, kernel_names.EXIT)
        return Check("flush-in-exit", title, holds, f"stack of {stuck.tid}: {' < '.join(names[:7])}")
    # Without a stack: a request awaited by an exiting task whose table is being closed is its files' FLUSH.
    waits = kernel_names.awaits_fuse(names)
    evidence = f"stack not readable; wchan {stuck.wchan}, exiting: {stuck.exiting}, FDSize {stuck.fd_slots}"
    return Check("flush-in-exit", title, waits and stuck.exiting and stuck.fd_slots == 0, evidence)


def _sigkill_futile(stuck: Task | None) -> Check:
    title = "SIGKILL is pending and cannot be delivered"
    if stuck is None:
        return Check("sigkill-futile", title, False, "no task is stuck in a FUSE request")
    shown = bool((stuck.pending | stuck.shared_pending) & SIGKILL_MASK)
    evidence = (
        f"{stuck.tid}: ShdPnd {stuck.shared_pending:x}, SigPnd {stuck.pending:x}, state {stuck.state}, "
        f"PF_EXITING {'set: no signal is delivered to it (wants_signal())' if stuck.exiting else 'not set'}"
    )
    return Check("sigkill-futile", title, shown and stuck.exiting, evidence)


def _no_entry(entry: Entry | None) -> Check:
    title = "no new process can enter the namespace"
    if entry is None:
        return Check("no-entry", title, None, "not tried")
    if entry.setns_errno:
        return Check("no-entry", title, None, f"setns fails: {errno.errorcode.get(entry.setns_errno)}")
    if entry.fork_errno is None or entry.fork_errno == 0:
        return Check("no-entry", title, False, "setns succeeds, and fork too")
    name = errno.errorcode.get(entry.fork_errno, str(entry.fork_errno))
    return Check("no-entry", title, entry.fork_errno == errno.ENOMEM, f"setns succeeds, fork fails with {name}")
