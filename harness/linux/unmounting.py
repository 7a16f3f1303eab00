"""Unmounting in another mount namespace, without asking the filesystem that hangs."""

from __future__ import annotations

import errno
import os

from harness.linux.syscalls import CLONE_NEWNS, CLONE_NEWUSER, MNT_FORCE, UMOUNT_NOFOLLOW, setns, umount
from harness.record import record


@record(frozen=True, slots=True)
class Where:
    """Descriptors of a task's mount namespace, of the user namespace that owns it (for those who are not privileged),
    and of the task's root, which `point`s are relative to: setns(2) alone leaves a chroot."""

    mount_ns: int
    user_ns: int | None = None
    root: int | None = None


def unmount_in(where: Where, point: str, flags: int) -> None:
    """umount2(2), done by a child that enters the namespaces; OSError with the child's errno.

    The mount is not asked
    for anything: a path walk that ends at a mount point does not revalidate it.
    """
    child = os.fork()
    if child == 0:
        try:
            if where.user_ns is not None:
                setns(where.user_ns, CLONE_NEWUSER)
            setns(where.mount_ns, CLONE_NEWNS)
            if where.root is not None:
                os.fchdir(where.root)
                os.chroot(".")
            umount(point, flags | UMOUNT_NOFOLLOW)
        except OSError as error:
            os._exit(error.errno or errno.EIO)
        except BaseException:
            os._exit(errno.EINVAL)  # such as a NUL in the name: no frame of the parent may run on here
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise OSError(status, os.strerror(status), point)


def forced_unmount(where: Where, point: str) -> None:
    """EBUSY is no failure: MNT_FORCE aborts the connection first, then the mount may turn out to be in use."""
    try:
        unmount_in(where, point, MNT_FORCE)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
