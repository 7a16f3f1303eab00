"""A mounted fakefs for tests of programs that use a filesystem."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fakefs import journal
from fakefs.client import Control
from fakefs.errors import FakefsError
from harness.guard import rundir
from harness.launch.notify import Notifications
from harness.linux import fusectl
from harness.linux.fusectl import fusectl_opened
from harness.linux.mountinfo import fuse_mounts
from harness.linux.polling import poll
from harness.linux.syscalls import MNT_DETACH, MNT_FORCE, UMOUNT_NOFOLLOW, umount

READY_S = 20.0
END_S = 5.0


@dataclass(frozen=True, slots=True)
class MountedFakefs:
    """A running fakefs.

    Attributes:
        path: Where it is mounted.
        control: Sets rules, waits for events, releases what is withheld.
        pid: The process of the server.
    """

    path: Path
    control: Control
    pid: int

    def journal(self) -> tuple[journal.Entry, ...]:
        """All requests and answers so far, in their order."""
        return journal.read(Path(self.control.path).with_name("journal"))


@contextmanager
def mounted(
    folder: Path, rules: Sequence[str], files: Mapping[str, str], options: Sequence[str]
) -> Iterator[MountedFakefs]:
    """A mounted fakefs. At the end of the block, or of this process, it releases what it withholds, and ends.

    Args:
        folder: An empty folder that belongs to the caller.
        rules: Rules as text.
        files: The content of its files by their path.
        options: Further words of fakefs's command line.

    Raises:
        LaunchError: It does not start to serve; with the server's own words.
    """
    mount_point, control = folder / "mnt", folder / "control"
    mount_point.mkdir()
    name = rundir.new_name().replace(rundir.PREFIX, "fakefs-")
    argv = [sys.executable, "-P", "-m", "harness.launch.programs.tethered", str(os.getpid())]
    argv += [sys.executable, "-P", "-m", "fakefs", str(mount_point)]
    argv += ["--fsname", name]
    argv += ["--control", str(control)]
    argv += ["--journal", str(folder / "journal")]
    for rule in rules:
        argv += ["--rule", rule]
    for path, text in files.items():
        argv += ["--file", f"{path}={text}"]
    notifications = Notifications(folder / "notify")
    log = folder / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*argv, *options],
            env={**os.environ, "NOTIFY_SOCKET": str(notifications.path)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        notifications.ready("fakefs", READY_S, log, lambda: server.poll() is None)
        yield MountedFakefs(mount_point, Control(control), server.pid)
    finally:
        notifications.close()
        _end(server, mount_point, control, name)


def _end(server: subprocess.Popen[bytes], mount_point: Path, control: Path, name: str) -> None:
    """Ask the server to end; if it does not, abort its connection and kill it. Never touches the mount."""
    with contextlib.suppress(FakefsError):
        Control(control, timeout=END_S).shutdown()
    try:
        server.wait(END_S)
    except subprocess.TimeoutExpired:
        _abort(name)
        _unmount(mount_point, MNT_FORCE)
        server.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(END_S)

    def unmounted() -> bool:
        if _number(name) is None:
            return True
        _unmount(mount_point, MNT_DETACH)
        return False

    poll(END_S, unmounted)


def _number(name: str) -> int | None:
    mounts = fuse_mounts(os.getpid(), os.getpid())
    return next((each.device for each in mounts if each.source == name), None)


def _abort(name: str) -> None:
    """Abort its connection, if fusectl is mounted. `fusectl_opened` would otherwise enter a new mount namespace to
    mount it, and the user's pytest process must not change its namespaces."""
    number = _number(name)
    if number is None or not fusectl.is_mounted():
        return
    with contextlib.suppress(OSError), fusectl_opened() as ctl:
        if ctl is not None:
            with ctl.abort_opened(number) as fd:
                fusectl.abort(fd)


def _unmount(mount_point: Path, how: int) -> None:
    """Unmount; MNT_FORCE aborts the connection (fuse_umount_begin()) even if the mount is in use."""
    with contextlib.suppress(OSError):
        umount(str(mount_point), how | UMOUNT_NOFOLLOW)
