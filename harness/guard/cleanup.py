"""Release, then kill, then reap: in that order, for a task that waits for a FUSE answer cannot be killed."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from harness.linux import fusectl, procfs
from harness.linux.fusectl import Fusectl
from harness.linux.mountinfo import fuse_mounts
from harness.linux.polling import poll
from harness.linux.unmounting import Where, forced_unmount
from harness.record import record

DEADLINE_S = 10.0
_POLL_S = 0.001


class Hold:
    """The means to end one connection, whatever happens to its processes.

    Args:
        number: The connection's, in fusectl.
        fsname: The source of its mount, in mountinfo.
        point: Where it is mounted.
        tid: A task that sees the mount.
        abort_fd: The abort file, open for writing.
        mount_ns_fd: Where there is no abort file, the mount namespace: a forced unmount ends the connection too
            (fuse_umount_begin()).
        user_ns_fd: The user namespace that owns the mount, where it is not ours.
    """

    __slots__ = ("abort_fd", "fsname", "mount_ns_fd", "number", "point", "tid", "user_ns_fd")

    def __init__(
        self,
        number: int,
        fsname: str,
        point: str,
        tid: int,
        abort_fd: int | None,
        mount_ns_fd: int | None,
        user_ns_fd: int | None = None,
    ) -> None:
        self.number = number
        self.fsname = fsname
        self.point = point
        self.tid = tid
        self.abort_fd = abort_fd
        self.mount_ns_fd = mount_ns_fd
        self.user_ns_fd = user_ns_fd

    def release(self) -> None:
        """Never fails: a connection that is gone needs nothing."""
        with contextlib.suppress(OSError):
            if self.abort_fd is not None:
                fusectl.abort(self.abort_fd)
            elif self.mount_ns_fd is not None:
                forced_unmount(Where(self.mount_ns_fd, self.user_ns_fd), self.point)

    def close(self) -> None:
        for fd in (self.abort_fd, self.mount_ns_fd, self.user_ns_fd):
            if fd is not None:
                os.close(fd)
        self.abort_fd = self.mount_ns_fd = self.user_ns_fd = None


@record(frozen=True, slots=True)
class Seen:
    """A FUSE mount of a run, in the mountinfo of one task."""

    connection: int
    fsname: str
    point: str
    tid: int
    tgid: int


def fuse_mounts_of(pids: Iterable[int], run: str) -> list[Seen]:
    """The mounts of the run, by their name or, where a server has its own, by their place in the run's folder."""
    found: dict[int, Seen] = {}
    for pid in pids:
        try:
            tids = procfs.tids(pid)
        except OSError:
            continue
        for tid in tids:
            try:
                entries = fuse_mounts(tid, pid)
            except OSError:
                continue  # gone, or past exit_task_namespaces(): then it cannot wait for a FLUSH any more
            for entry in entries:
                if entry.source == run or f"/{run}/" in entry.point:
                    found.setdefault(entry.device, Seen(entry.device, entry.source, entry.point, tid, pid))
            break  # the threads of a process share their mount namespace, but for one that has left it
    return list(found.values())


def take_hold(pids: Iterable[int], run: str, ctl: Fusectl | None, known: Iterable[Hold] = ()) -> list[Hold]:
    """Opens the abort file of each connection of the run that is not held yet."""
    already = {hold.number for hold in known}
    holds = []
    for seen in fuse_mounts_of(pids, run):
        number, tid, tgid = seen.connection, seen.tid, seen.tgid
        if number in already:
            continue
        abort_fd = mount_ns_fd = user_ns_fd = None
        if ctl is not None:
            with contextlib.suppress(OSError):
                abort_fd = ctl.open_abort(number)
        if abort_fd is None:
            with contextlib.suppress(OSError):
                mount_ns_fd = os.open(f"/proc/{tgid}/task/{tid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
                if procfs.read_namespace(tid, tgid, "user") != procfs.read_namespace(os.getpid(), os.getpid(), "user"):
                    user_ns_fd = os.open(f"/proc/{tgid}/task/{tid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        holds.append(Hold(number, seen.fsname, seen.point, tid, abort_fd, mount_ns_fd, user_ns_fd))
    return holds


def descendants() -> list[int]:
    """Processes below this one, zombies included."""
    try:
        return _below(os.getpid())
    except FileNotFoundError:
        # A kernel without CONFIG_PROC_CHILDREN; psutil, which reads every process's stat, is imported for it alone.
        import psutil

        return [child.pid for child in psutil.Process().children(recursive=True)]


def _below(pid: int) -> list[int]:
    """Without recursion: a program of the user's may make a chain of any length."""
    found = _children(pid)
    for each in found:  # it grows meanwhile
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            found.extend(_children(each))
    return found


def _children(pid: int) -> list[int]:
    return [child for tid in procfs.tids(pid) for child in procfs.read_children(tid, pid)]


def release_and_reap(run: str, ctl: Fusectl | None, holds: list[Hold]) -> list[str]:
    """Ends everything below this process, a subreaper; returns what is left after the deadline, in words."""
    below: list[int] = []

    def all_ended() -> bool:
        nonlocal below
        if reap():
            return True
        below = descendants()
        holds.extend(take_hold(below, run, ctl, holds))
        for pid in below:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for hold in holds:
            hold.release()
        return False

    if not poll(DEADLINE_S, all_ended, _POLL_S):
        return [f"task {pid} does not end" for pid in below]
    for hold in holds:
        hold.close()
    holds.clear()
    return []


def reap() -> bool:
    """Collects every child that has ended; True when there is no child any more."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return False
        except ChildProcessError:
            return True


def remove_groups(run: str) -> list[str]:
    """The control groups of the run, and what a container runtime has made in them.

    A group can be removed once the last of its tasks is gone.
    """
    from harness.linux import cgroup

    why = ""

    def removed() -> bool:
        nonlocal why
        for folder in cgroup.trees(run):
            try:
                cgroup.remove_tree(folder)
            except OSError as error:
                why = f"cgroup {folder}: {error.strerror}"
                return False
        return True

    return [] if poll(DEADLINE_S, removed, _POLL_S) else [why]


def remove_folder(folder: Path) -> list[str]:
    from harness.guard import rundir

    try:
        rundir.remove(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"folder {folder}: {error.strerror}"]
    return []
