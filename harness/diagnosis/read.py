"""Looks the machine over repeatedly, until stuck tasks can be distinguished from those that just end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.diagnosis import suspects
from harness.diagnosis.clients import LONG_S, long_waiting
from harness.diagnosis.findings import PATIENCE_S, settled
from harness.diagnosis.likeness import Likeness
from harness.diagnosis.records import Container, PendingRequest, Reading, Readings, Rest, Use
from harness.linux import procfs
from harness.linux.fusectl import Fusectl
from harness.linux.process import Target
from harness.linux.sched import about_rested_s
from harness.linux.timed_reader import TimedReader
from harness.model import kernel_names
from harness.model.memory import KernelMemory
from harness.model.records import Mount, Snapshot
from harness.observe.memory.attach import MemorySource, attached
from harness.observe.snapshot import Survey

BETWEEN_S = 0.01
"""From one look to the next: what rests longer may be stuck."""
SLACK_S = 0.5
"""Beyond the patience: what was killed just before the first look has rested long enough by the last."""
_INITIAL_PID_NS = 0xEFFFFFFC  # PROC_PID_INIT_INO, include/linux/proc_ns.h

Beat = Callable[[str], None]
"""Called with what is about to be done, so that whoever watches knows that it goes on."""
Identify = Callable[[tuple[Snapshot, ...]], tuple["Container | None", ...]]
"""The container of each namespace."""


@dataclass(frozen=True, slots=True)
class Suspect:
    target: Target
    tid: int
    """The task that is to end: init, or the stuck thread of a process."""


def read(
    ctl: Fusectl | None,
    identify: Identify,
    memory: MemorySource,
    reader: TimedReader,
    beat: Beat,
    long_s: float = LONG_S,
) -> Readings:
    """Two looks where something may be stuck, one where nothing is; more while something still moves.

    What has gone by the last look is left out.  Clients that have waited for `long_s` seconds are read as well.
    """
    began = time.monotonic()
    taken = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    beat("reads the stat of every task")
    survey = Survey(ctl, reader)
    tasks = sum(len(process.threads) for process in survey.census.values())
    beat("looks for what may be stuck")
    found = _suspects(survey)
    pairs = _looked_at(found, survey, ctl, memory, began + PATIENCE_S + SLACK_S, beat) if found else ()
    beat("reads who waits long")
    clients, serving = long_waiting(survey, long_s)
    beat("reads what the findings are")
    containers = identify(tuple(pair[-1] for pair, _ in pairs))
    uses = _Uses(_uses(survey, tuple(pair[-1] for pair, _ in pairs)))
    readings = tuple(
        Reading(pair, rests, container, uses.of(pair[-1])) for (pair, rests), container in _beside(pairs, containers)
    )
    shown = pairs[0][0][-1].memory if pairs else None
    unseen = (*(each for pair, _ in pairs for each in pair[-1].unseen), *filter(None, [memory.failure]))
    return Readings(
        taken,
        procfs.boot_id(),
        os.uname().release,
        tasks,
        time.monotonic() - began,
        readings,
        blind(ctl),
        tuple(dict.fromkeys(unseen)),
        () if shown is None else requests(shown),
        clients,
        serving,
    )


def requests(memory: KernelMemory) -> tuple[PendingRequest, ...]:
    """Those without an answer.  Pure."""
    return tuple(
        PendingRequest(connection.number, each.unique, each.opcode, each.node, each.path, each.state, each.tid)
        for connection in memory.connections
        for each in connection.requests
    )


Seen = tuple[tuple[Snapshot, ...], tuple[Rest, ...]]


def _beside(pairs: tuple[Seen, ...], containers: tuple[Container | None, ...]) -> list[tuple[Seen, Container | None]]:
    return [(pair, containers[place]) for place, pair in enumerate(pairs)]


def _suspects(survey: Survey) -> tuple[Suspect, ...]:
    pids = suspects.worth_reading(survey.census)
    survey.read_tasks(pids)
    inits = suspects.dying_namespaces(survey, pids)
    covered = set().union(*(survey.inside(target) for target in inits))
    processes = suspects.dying_processes(survey, pids, covered)
    waiters = suspects.waiters(survey, covered | {target.init for target, _ in processes})
    return (
        *(Suspect(target, target.init) for target in inits),
        *(Suspect(target, tid) for target, tid in (*processes, *waiters)),
    )


def _looked_at(
    found: tuple[Suspect, ...], survey: Survey, ctl: Fusectl | None, memory: MemorySource, until: float, beat: Beat
) -> tuple[Seen, ...]:
    """Two snapshots of each that is still there, and how long its tasks have rested."""
    before = _snapshots(found, survey, memory, False)
    while True:
        time.sleep(BETWEEN_S)
        beat(f"looks again at {len(found)} suspects")
        names = any(snapshot.names_connections for snapshot in before.values())
        again = Survey(ctl, survey.reader)
        now = _snapshots(found, again, memory, names)
        found = tuple(each for each in found if now[each].init is not None)
        seen = {each: ((before[each], now[each]), _rests(now[each], again)) for each in found}
        likeness = Likeness()
        different = {likeness.key(seen[each][0]) or each: each for each in found}.values()
        if time.monotonic() > until or all(_settled(seen[each], beat) for each in different):
            return tuple(seen.values())
        before = now
        time.sleep(0.1)


def _settled(seen: Seen, beat: Beat) -> bool:
    beat(f"judges process {seen[0][-1].init_tid}")
    return settled(*seen)


def _snapshots(
    found: tuple[Suspect, ...], survey: Survey, memory: MemorySource, names: bool
) -> dict[Suspect, Snapshot]:
    """The account of each look is taken after it: a pair of looks lies between two accounts, or after the first."""
    targets = tuple(each.target for each in found)
    taken = survey.snapshots(targets, names_connections=names)
    if any(kernel_names.awaits_fuse(task.functions) for snapshot in taken for task in snapshot.live):
        shown = memory.account()
        taken = tuple(attached(each, shown, memory.failure) for each in taken)
    return {each: replace(taken[place], init_tid=each.tid) for place, each in enumerate(found)}


def _rests(snapshot: Snapshot, survey: Survey) -> tuple[Rest, ...]:
    found = []
    for task in snapshot.live:
        seconds = about_rested_s(task.tid, task.tgid, survey.processor(task.tgid, task.tid))
        if seconds is not None:
            found.append(Rest(task.tid, seconds))
    return tuple(found)


def _uses(survey: Survey, snapshots: tuple[Snapshot, ...]) -> tuple[Use, ...]:
    """Every mount namespace that has a FUSE connection, one reading each; none where no finding is about one."""
    if not any(snapshot.mounts for snapshot in snapshots):
        return ()
    return tuple(
        Use(mount.connection, namespace, len(pids), pids[0], mount.point)
        for namespace, pids in survey.mount_namespaces().items()
        for mount in survey.mounts(pids[0])
    )


class _Uses:
    """The uses of the connections that a suspect may be about; suspects with the same mounts share them."""

    def __init__(self, uses: tuple[Use, ...]) -> None:
        self._uses = uses
        self._known: dict[int, tuple[tuple[Mount, ...], tuple[Use, ...]]] = {}

    def of(self, snapshot: Snapshot) -> tuple[Use, ...]:
        """Those of the connections that the snapshot shows mounted."""
        mounts = snapshot.mounts
        if id(mounts) not in self._known:
            seen = {mount.connection for mount in mounts}
            self._known[id(mounts)] = mounts, tuple(use for use in self._uses if use.connection in seen)
        return self._known[id(mounts)][1]


def blind(ctl: Fusectl | None) -> tuple[str, ...]:
    """Reasons that keep us from saying that nothing is stuck."""
    found = []
    if not procfs.has_capabilities(procfs.CAP_SYS_PTRACE, procfs.CAP_SYS_ADMIN):
        found.append(
            "the stacks, descriptors and mounts of others' tasks: no CAP_SYS_PTRACE and CAP_SYS_ADMIN, run as root"
        )
    if procfs.read_namespace(os.getpid(), os.getpid(), "pid") != _INITIAL_PID_NS:
        found.append("tasks outside of this PID namespace: run it on the host")
    if ctl is None:
        found.append("the waiting requests of FUSE connections: no fusectl filesystem")
    return tuple(found)
