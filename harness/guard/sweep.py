"""Finds and removes what even a killed guard left: by the runs' own names and start times, and nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from harness.guard import rundir
from harness.guard.cleanup import DEADLINE_S, Hold, remove_folder, remove_groups, take_hold
from harness.guard.rundir import Owner
from harness.linux import cgroup, procfs
from harness.linux.fusectl import fusectl_opened
from harness.linux.mountinfo import mounts_named
from harness.linux.polling import poll
from harness.linux.process import Process
from harness.record import record

_POLL_S = 0.002


@record(frozen=True, slots=True)
class Swept:
    """What was done about one run."""

    run: str
    actions: tuple[str, ...]
    left: tuple[str, ...]
    in_use: bool = False
    """A living harness looks after it: not touched."""


def sweep() -> Iterator[Swept]:
    """Every run of this user that has left a trace, one after the other."""
    mounts = mounted_runs()
    folders = {path.name: path for path in _folders()}
    for name in sorted({*mounts, *folders}):
        yield _sweep(name, folders.get(name), mounts.get(name, set()))


def _folders() -> list[Path]:
    try:
        return [path for path in rundir.base().iterdir() if _own(path.name)]
    except FileNotFoundError:
        return []


def _own(name: str) -> bool:
    return rundir.is_name(name) and name.startswith(rundir.prefix())


def mounted_runs() -> dict[str, set[int]]:
    """fsname → processes in whose mountinfo it is: of a FUSE mount, or of the room that a container runtime has."""
    found: dict[str, set[int]] = {}
    for pid in procfs.user_pids():
        for tid in _tids(pid):
            try:
                entries = mounts_named(rundir.PREFIX, tid, pid)
            except OSError:
                continue
            for entry in entries:
                run = rundir.run_of(entry.source, entry.point)
                if run is not None and _own(run):
                    found.setdefault(run, set()).add(pid)
            break
    return found


def _tids(pid: int) -> list[int]:
    try:
        return procfs.tids(pid)
    except OSError:
        return []


def _sweep(name: str, folder: Path | None, pids: set[int]) -> Swept:
    owner = Owner.read(folder) if folder is not None else None
    if owner is not None and owner.boot != procfs.boot_id():
        owner = None
    if owner is not None and owner.harness.alive and not owner.kept:
        return Swept(name, (), (), in_use=True)
    return _remove(name, folder, owner, pids)


def sweep_own(name: str, folder: Path) -> Swept:
    """The run of a living harness whose guard is dead."""
    return _remove(name, folder if folder.exists() else None, None, mounted_runs().get(name, set()))


def _remove(name: str, folder: Path | None, owner: Owner | None, pids: set[int]) -> Swept:
    actions: list[str] = []
    if owner is not None and owner.guard.alive:
        _end_guard(owner.guard)
        actions.append(f"ended the guard {owner.guard.pid}, which released and reaped its run")
        if folder is not None and not folder.exists():
            return Swept(name, tuple(actions), ())
    for freezer in cgroup.groups(name):
        freezer.thaw()
        actions.append(f"thawed {freezer.folder}")
    left = _release_and_kill(name, pids, actions)
    left += remove_groups(name)
    if folder is not None and not left:
        left = remove_folder(folder)
        actions.append(f"removed {folder}")
    return Swept(name, tuple(actions), tuple(left))


def _end_guard(guard: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(guard.pid, signal.SIGTERM)
    poll(DEADLINE_S, lambda: not guard.alive, _POLL_S)


def _release_and_kill(name: str, pids: set[int], actions: list[str]) -> list[str]:
    """Every process that has the run's mount in its mount namespace is the run's: the namespace is private."""
    processes = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            processes.append(Process.of(pid))
    holds: list[Hold] = []
    alive: list[Process] = []
    with fusectl_opened() as ctl:

        def all_ended() -> bool:
            nonlocal alive
            alive = [process for process in processes if process.alive]
            for hold in take_hold((process.pid for process in alive), name, ctl, holds):
                actions.append(f"aborted connection {hold.number} ({name})")
                holds.append(hold)
            for process in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            for hold in holds:
                hold.release()
            return not alive

        poll(DEADLINE_S, all_ended, _POLL_S)
    for hold in holds:
        hold.close()
    if processes:
        actions.append(f"killed {len(processes)} processes: {', '.join(str(each.pid) for each in processes)}")
    return [f"task {process.pid} does not end" for process in alive]
