"""Unmounting in another mount namespace, without asking the filesystem that hangs."""

from __future__ import annotations

import errno
import os

from harness.linux.syscalls import CLONE_NEWNS, CLONE_NEWUSER, MNT_FORCE, UMOUNT_NOFOLLOW, setns, umount


def unmount_in(mount_ns_fd: int, point: str, flags: int, user_ns_fd: int | None = None) -> None:
    """umount2(2), done by a child that enters the namespaces; OSError with the child's errno.

    `user_ns_fd`: the user namespace that owns the mount, for those who are not privileged.  The mount is not asked
    for anything: a path walk that ends at a mount point does not revalidate it.
    """
    child = os.fork()
    if child == 0:
        try:
            if user_ns_fd is not None:
                setns(user_ns_fd, CLONE_NEWUSER)
            setns(mount_ns_fd, CLONE_NEWNS)
            umount(point, flags | UMOUNT_NOFOLLOW)
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise OSError(status, os.strerror(status), point)


def forced_unmount(mount_ns_fd: int, point: str, user_ns_fd: int | None = None) -> None:
    """EBUSY is no failure: MNT_FORCE aborts the connection first, then the mount may turn out to be in use."""
    try:
        unmount_in(mount_ns_fd, point, MNT_FORCE, user_ns_fd)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
