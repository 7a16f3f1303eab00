"""The readings of a crash dump: what `diagnose` would have read on the machine at that instant."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from harness.diagnosis import suspects
from harness.diagnosis.read import Suspect, requests
from harness.diagnosis.records import Reading, Readings, Rest, Use
from harness.errors import MachineError
from harness.linux.process import Target
from harness.model.records import Snapshot
from harness.observe.memory.dump import Dump
from harness.observe.memory.kernel import FaultError, UnavailableError, UnknownError
from harness.observe.memory.program import opened_dump


def read_dump(path: Path, debug_info: Path | None) -> Readings:
    """Read a crash dump.

    Args:
        path: An ELF file of QEMU, or one of kdump, compressed or not.
        debug_info: Where the kernel's debug information lies too.

    Raises:
        MachineError: It cannot be read, and why.
    """
    began = time.monotonic()
    try:
        with opened_dump(path, debug_info) as kernel:
            return _readings(Dump(kernel), began)
    except UnavailableError as error:
        raise MachineError(str(error)) from error
    except FaultError as error:
        raise MachineError(
            f"{path}: memory is missing in it: {error}", "is it truncated, or were pages of the kernel left out?"
        ) from error
    except UnknownError as error:
        raise MachineError(f"{path}: this kernel is not understood: {error}") from error


def _readings(dump: Dump, began: float) -> Readings:
    census = dump.census
    taken = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(dump.taken_s))
    readings = tuple(_reading(each, dump) for each in _suspects(dump))
    return Readings(
        taken=taken,
        boot=dump.boot,
        release=dump.release,
        tasks=sum(len(process.threads) for process in census.values()),
        duration_s=time.monotonic() - began,
        readings=readings,
        requests=requests(dump.memory),
        running=False,
    )


def _suspects(dump: Dump) -> tuple[Suspect, ...]:
    """As on a live machine; who waits for an answer and was not killed is known by the requests themselves."""
    pids = suspects.worth_reading(dump.census)
    inits = suspects.dying_namespaces(dump, pids)
    covered = set().union(*(dump.inside(target) for target in inits))
    processes = suspects.dying_processes(dump, pids, covered)
    covered |= {target.init for target, _ in processes}
    waiters = {pid: tid for pid, tid in _waiters(dump) if pid not in covered}
    return (
        *(Suspect(target, target.init) for target in inits),
        *(Suspect(target, tid) for target, tid in processes),
        *(Suspect(Target(pid, dump.census[pid].stat.start_time, None), tid) for pid, tid in waiters.items()),
    )


def _waiters(dump: Dump) -> Iterator[tuple[int, int]]:
    """(process, task) of each that sleeps for an answer."""
    waiting = {
        request.tid for connection in dump.memory.connections if not connection.virtiofs
        for request in connection.requests
    }  # fmt: skip
    for pid, process in dump.census.items():
        for tid in process.threads:
            if tid in waiting:
                yield pid, tid


def _reading(suspect: Suspect, dump: Dump) -> Reading:
    """One dump is one instant: both snapshots are the same."""
    snapshot = dump.snapshot(suspect.target, suspect.tid)
    return Reading((snapshot, snapshot), tuple(_rests(snapshot, dump)), None, tuple(_uses(snapshot, dump)))


def _rests(snapshot: Snapshot, dump: Dump) -> Iterator[Rest]:
    for task in snapshot.live:
        seconds = dump.rested_s(task.tid, task.tgid)
        if seconds is not None:
            yield Rest(task.tid, seconds)


def _uses(snapshot: Snapshot, dump: Dump) -> Iterator[Use]:
    seen = {mount.connection for mount in snapshot.mounts}
    for mount in dump.mounts:
        users = dump.users(mount)
        if mount.connection in seen and users:
            yield Use(mount.connection, mount.inode, len(users), users[0], mount.point)
