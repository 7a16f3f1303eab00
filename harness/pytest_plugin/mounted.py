"""A fakefs of one's own, mounted in a folder of one's own, for tests of programs that use a filesystem."""

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
    path: Path
    """Where it is mounted."""
    control: Control
    """Sets rules, waits for what happens, releases what is held."""
    pid: int

    def journal(self) -> tuple[journal.Entry, ...]:
        """All that the server was asked and answered so far."""
        return journal.read(Path(self.control.path).with_name("journal"))


@contextmanager
def mounted(
    folder: Path, rules: Sequence[str], files: Mapping[str, str], options: Sequence[str]
) -> Iterator[MountedFakefs]:
    """`folder` is empty and ours.  LaunchError, with the server's own words, when it does not come to serving.

    The server goes when the block is left, or when this process does, with all that it holds back released.
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
    """By asking; else by the connection's end and a SIGKILL.  The mount is never asked for anything."""
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
    return next((each.minor for each in mounts if each.source == name), None)


def _abort(name: str) -> None:
    """Only where fusectl is mounted: else `fusectl_opened` would enter a mount namespace of its own to mount it, and
    this process, the user's pytest, is not ours to move."""
    number = _number(name)
    if number is None or not fusectl.is_mounted():
        return
    with contextlib.suppress(OSError), fusectl_opened() as ctl:
        if ctl is not None:
            with ctl.abort_opened(number) as fd:
                fusectl.abort(fd)


def _unmount(mount_point: Path, how: int) -> None:
    """MNT_FORCE ends the connection (fuse_umount_begin()), whether the mount is in use or not."""
    with contextlib.suppress(OSError):
        umount(str(mount_point), how | UMOUNT_NOFOLLOW)
