"""Finds and removes what even a killed guard left: by the runs' own names and start times, and nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection, Iterator
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
    """The actions that were taken for one run."""

    run: str
    actions: tuple[str, ...]
    left: tuple[str, ...]
    in_use: bool = False
    """A living harness looks after it: not touched."""


@record(frozen=True, slots=True)
class Found:
    """One run that has left a trace.

    Attributes:
        run: Its name.
        kept: It was kept on purpose, by `run --keep`.
        pids: Processes that see a mount of it.
        in_use: A living harness looks after it: `sweep` leaves it alone.
    """

    run: str
    kept: bool = False
    pids: tuple[int, ...] = ()
    in_use: bool = False


def found() -> tuple[Found, ...]:
    """The runs of this user that have left a trace, by name.  Nothing is changed."""
    base = rundir.base()
    mounted = mounted_runs()
    names = sorted({*mounted, *_folders(base)[0]})
    looks = (_look(name, base / name, mounted.get(name, set())) for name in names)
    return tuple(each for each in looks if each is not None)


def _look(name: str, folder: Path, pids: set[int]) -> Found | None:
    """None where it has ended by itself."""
    try:
        with rundir.claimed(folder) as free:
            owner = _owner(folder)
            return Found(name, owner is not None and owner.kept, tuple(sorted(pids)), _in_use(owner, free))
    except FileNotFoundError:
        return Found(name, pids=tuple(sorted(pids))) if pids else None


def sweep(only: Collection[str] | None = None) -> Iterator[Swept]:
    """Remove every run of this user that has left a trace and that nobody looks after, one after the other.

    A run that starts or ends meanwhile is left alone: its folder is locked from its first moment to its last, and its
    mounts are gone before its folder is.

    Args:
        only: The names of the runs to remove; None for all.

    Yields:
        What was done about each.
    """
    base = rundir.base()
    folders, fresh = _folders(base)
    for name in sorted({*mounted_runs(), *folders}):
        if only is not None and name not in only:
            continue
        swept = _sweep(name, base / name)
        if swept is not None:
            yield swept
    for folder in fresh:
        with contextlib.suppress(OSError), rundir.claimed(folder) as free:
            if free:
                rundir.remove(folder)


def _folders(base: Path) -> tuple[list[str], list[Path]]:
    """Names of runs, and folders that are just being made, or whose maker was killed."""
    try:
        found = [path.name for path in base.iterdir()]
    except FileNotFoundError:
        return [], []
    fresh = [base / name for name in found if name.startswith(rundir.FRESH) and _own(name.removeprefix(rundir.FRESH))]
    return [name for name in found if _own(name)], fresh


def _own(name: str) -> bool:
    return rundir.is_name(name) and name.startswith(rundir.prefix())


def mounted_runs() -> dict[str, set[int]]:
    """Find runs by their mounts: of FUSE, or of the sandbox that a container runtime has.

    The mounts of a run are in the private mount namespace of its guard.  A mount that bears the name of a run and that
    this process or the first one sees, too, is none: whoever made it must not have everybody killed who sees it.

    Returns:
        By the name of the run, the processes that see a mount of it.
    """
    common = {run for pid in {1, os.getpid()} for run in _runs_seen(pid)}
    found: dict[str, set[int]] = {}
    for pid in procfs.user_pids():
        for run in _runs_seen(pid) - common:
            found.setdefault(run, set()).add(pid)
    return found


def _runs_seen(pid: int) -> set[str]:
    """Read the mountinfo of the first task of the process that has one."""
    for tid in _tids(pid):
        try:
            entries = mounts_named(rundir.PREFIX, tid, pid)
        except OSError:
            continue
        runs = (rundir.run_of(entry.source, entry.point) for entry in entries)
        return {run for run in runs if run is not None and _own(run)}
    return set()


def _tids(pid: int) -> list[int]:
    try:
        return procfs.tids(pid)
    except OSError:
        return []


def _sweep(name: str, folder: Path) -> Swept | None:
    """None where it has ended by itself."""
    try:
        with rundir.claimed(folder) as free:
            owner = _owner(folder)
            if _in_use(owner, free):
                return Swept(name, (), (), in_use=True)
            return _remove(name, folder, owner, mounted_runs().get(name, set()))
    except FileNotFoundError:
        pids = mounted_runs().get(name, set())
        return _remove(name, None, None, pids) if pids else None


def _owner(folder: Path) -> Owner | None:
    """The process that looks after a run; None where nobody of this boot wrote its name."""
    owner = Owner.read(folder)
    return owner if owner is not None and owner.boot == procfs.boot_id() else None


def _in_use(owner: Owner | None, free: bool) -> bool:
    if owner is None:
        return not free  # its guard is about to end
    return owner.harness.alive and not owner.kept


def sweep_own(name: str, folder: Path) -> Swept:
    """Remove the run of a living harness whose guard is dead."""
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
    if folder is not None and not left and folder.exists():
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
