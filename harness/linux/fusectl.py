"""The fusectl filesystem: one folder a FUSE connection, with `waiting` and `abort` (fs/fuse/control.c)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from harness.linux.mountinfo import mounts_at
from harness.linux.propagation import make_mounts_private
from harness.linux.syscalls import CLONE_NEWNS, mount, unshare

FOLDER = "/sys/fs/fuse/connections"


def is_mounted() -> bool:
    """At its usual place, as this process sees it, and not hidden by a later mount there or above; elsewhere it may be
    mounted as well."""
    on_the_way = [FOLDER[:end] or "/" for end, each in enumerate(f"{FOLDER}/") if each == "/"]
    entries = mounts_at(on_the_way, os.getpid(), os.getpid())
    return [entry.fstype for entry in entries[-1:]] == ["fusectl"]


class Fusectl:
    """Access through an open folder, so that it also works when fusectl is mounted in another mount namespace only."""

    def __init__(self, folder: int) -> None:
        self.folder = folder

    def numbers(self) -> list[int]:
        return [int(name) for name in os.listdir(self.folder) if name.isdigit()]

    def waiting(self, number: int) -> int:
        """Requests not answered yet; FileNotFoundError once the connection is gone.

        A connection that ends between open and read reads as empty (fuse_conn_waiting_read()).
        """
        fd = os.open(f"{number}/waiting", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.folder)
        try:
            text = os.read(fd, 32)
        finally:
            os.close(fd)
        if not text:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{number}/waiting")
        return int(text)

    @contextmanager
    def abort_opened(self, number: int) -> Iterator[int]:
        fd = self.open_abort(number)
        try:
            yield fd
        finally:
            os.close(fd)

    def open_abort(self, number: int) -> int:
        """A descriptor that stays bound to this connection: when the connection goes, fuse_ctl_remove_conn() clears
        the inode's i_private, so that a later write cannot hit a newer connection of the same number."""
        return os.open(f"{number}/abort", os.O_WRONLY | os.O_CLOEXEC, dir_fd=self.folder)


def abort(fd: int) -> None:
    """Ends all requests of the connection with ECONNABORTED, and fails all later ones (fuse_abort_conn())."""
    os.write(fd, b"1")


@contextmanager
def fusectl_opened() -> Iterator[Fusectl | None]:
    """The machine's fusectl mount; where it has none, one in a mount namespace of our own, which nobody else sees.

    None where it can be had neither way.
    """
    with ExitStack() as stack:
        ctl: Fusectl | None = None
        with suppress(OSError):
            if not is_mounted():
                unshare(CLONE_NEWNS)
                make_mounts_private()
                mount("none", FOLDER, "fusectl")
            fd = os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, fd)
            ctl = Fusectl(fd)
        yield ctl
