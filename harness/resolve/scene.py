"""The input of a resolver, and the plan that it returns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.guard.client import Guard, HeldConnection
from harness.linux import procfs
from harness.linux.mountinfo import read_mountinfo
from harness.linux.process import Process, Target
from harness.linux.unmounting import Where
from harness.model.records import PF_EXITING, Task, Verdict
from harness.record import record


@record(frozen=True, slots=True)
class Scene:
    """All that a resolver may need; what is not to be had is None."""

    verdict: Verdict
    target: Target
    connection: HeldConnection | None
    abort_fd: int | None
    """The connection's abort file, opened before the kill: numbers are reused, this descriptor's meaning is not."""
    user_ns_of: int | None
    """A process in the user namespace that owns the mount; None when we are privileged."""
    server: Process | None
    control: Path | None
    """fakefs's control socket."""
    guard: Guard | None = None
    remedy: tuple[str, int | str] | None = None
    """The run's own means, besides FUSE, that keeps the task: ("tracer", pid) or ("cgroup", folder)."""


@record(frozen=True, slots=True)
class Plan:
    command: str
    """The equivalent shell command."""
    effect: str
    obstacle: str | None = None
    """Why it cannot be done, or cannot help, here."""


def server_lives(scene: Scene) -> bool:
    """It has a task that is not exiting: a zombie leader with a stuck thread answers nobody."""
    server = scene.server
    if server is None or not server.alive:
        return False
    try:
        stats = [procfs.read_stat(tid, server.pid) for tid in procfs.tids(server.pid)]
    except OSError:
        return False
    return any(not stat.flags & PF_EXITING for stat in stats)


@contextmanager
def namespaces_opened(scene: Scene, task: Task) -> Iterator[Where]:
    """The folder below which the task's mounts are.

    Opening its root asks no filesystem: O_PATH, and FUSE has no d_weak_revalidate.
    """
    with ExitStack() as stack:

        def opened(path: str, flags: int = os.O_RDONLY) -> int:
            fd = os.open(path, flags | os.O_CLOEXEC)
            stack.callback(os.close, fd)
            return fd

        folder = f"/proc/{task.tgid}/task/{task.tid}"
        user = None if scene.user_ns_of is None else opened(f"/proc/{scene.user_ns_of}/ns/user")
        yield Where(opened(f"{folder}/ns/mnt"), user, opened(f"{folder}/root", os.O_PATH))


def mount_obstacle(scene: Scene, task: Task | None) -> str | None:
    """Why the mount cannot be acted on; None when the stuck task's mountinfo shows that it is the verdict's own."""
    if task is None:
        return "no stuck task gives access to the mount namespace"
    try:
        entries = read_mountinfo(task.tid, task.tgid)
    except OSError as error:
        return f"the mounts of task {task.tid} cannot be read: {error.strerror}"
    connection = scene.connection
    assert connection is not None
    topmost = next((entry for entry in reversed(entries) if entry.point == connection.point), None)
    if topmost is not None:
        if (topmost.device, topmost.source) == (connection.number, connection.fsname):
            return None
        return f"{topmost.point} is now the mount of {topmost.source} (device {topmost.device}), on top of it"
    return f"{connection.point} is not mounted any more in the namespace of task {task.tid}"
