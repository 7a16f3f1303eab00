"""Keeps what is mounted from here on out of every other mount namespace."""

from __future__ import annotations

import errno
import os

from harness.linux.mountinfo import read_mountinfo
from harness.linux.syscalls import (
    CLONE_NEWNS,
    MNT_DETACH,
    MS_BIND,
    MS_PRIVATE,
    MS_REC,
    mount,
    pivot_root_here,
    setns,
    umount,
)

_ABOVE = 4096
"""Folders that a chroot may lie deep."""


def make_mounts_private() -> None:
    """Make every mount of this mount namespace private, also where this process is in a chroot.

    To be called after unshare(CLONE_NEWNS).  mount(2) refuses a root that is no mount point (EINVAL, do_change_type()),
    as that of a chroot is, and a mount below it would show on the host.  So the root of the namespace is entered for
    the one call.

    Raises:
        OSError: the kernel does not allow it.
    """
    try:
        mount("none", "/", None, MS_REC | MS_PRIVATE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        _in_the_namespaces_root()


def make_root_of_namespace() -> None:
    """Make the root of this process, a chroot's, the root of its mount namespace, with nothing else left in it.

    To be called after unshare(CLONE_NEWNS) and make_mounts_private(), by a process of one thread.  setns(2) puts a
    process at the root of the mount namespace that it enters (mntns_install(), fs/namespace.c): one that enters the
    namespace of a chroot is outside the chroot.

    Raises:
        OSError: the kernel does not allow it.
    """
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    own = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(own, CLONE_NEWNS)  # to the real root: from there the chroot has a path
        os.fchdir(root)
        path = os.getcwd()
        mount(path, path, None, MS_BIND | MS_REC)  # pivot_root(2) takes a mount point only
        os.chdir(path)
        pivot_root_here()
        umount(".", MNT_DETACH)
        os.chdir("/")
    finally:
        os.close(own)
        os.close(root)


def in_chroot() -> bool:
    """Return True where the root of this process is no mount point, as far as its mountinfo shows."""
    return all(entry.point != "/" for entry in read_mountinfo(os.getpid(), os.getpid()))


def _in_the_namespaces_root() -> None:
    """chroot(2) does not move the working directory: with the root below it, `..` leads up to the real root."""
    here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fchdir(root)
        os.chroot("proc")
        try:
            for _ in range(_ABOVE):
                before = os.stat(".")
                os.chdir("..")
                after = os.stat(".")
                if (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino):
                    break
            os.chroot(".")
            mount("none", "/", None, MS_REC | MS_PRIVATE)
        finally:
            os.fchdir(root)
            os.chroot(".")
    finally:
        os.fchdir(here)
        os.close(here)
        os.close(root)
