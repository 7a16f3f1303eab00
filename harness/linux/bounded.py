"""Reading a file of which only the path is known, so that it cannot hang with a filesystem that hangs.

A path is followed component by component, by the table of mounts that we have already: only filesystems that this
kernel keeps itself are entered.  One that hangs all the same (a disk that does not answer) costs whoever waits for the
reader a deadline, no more: see `harness/diagnosis/identify.py`.
"""

from __future__ import annotations

import errno
import os
import stat

from harness.linux.mountinfo import MountEntry

OWN = frozenset(
    {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "rootfs", "tmpfs", "xfs", "zfs"}
)
"""Filesystems that ask no server."""
MOST = 1 << 20
_LINKS = 20


def fstype_at(path: str, entries: tuple[MountEntry, ...]) -> str:
    """The filesystem that an absolute path without links is on, by the mount points alone."""
    best, found = -1, ""
    for entry in entries:
        point = entry.point.rstrip("/")
        if (path == point or path.startswith(f"{point}/")) and len(point) >= best:
            best, found = len(point), entry.fstype
    return found


def resolved(path: str, entries: tuple[MountEntry, ...]) -> str:
    """Without symbolic links; OSError where the path leads to a filesystem that is not this kernel's own."""
    todo, here, links = path.strip("/").split("/"), "", 0
    while todo:
        step = todo.pop(0)
        if step in ("", "."):
            continue
        if step == "..":
            here = here.rpartition("/")[0]
            continue
        _entered(f"{here}/{step}", entries)
        try:
            link = os.readlink(f"{here}/{step}")
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            here = f"{here}/{step}"  # no link
            continue
        links += 1
        if links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        todo = link.strip("/").split("/") + todo
        here = "" if link.startswith("/") else here
    return here


def _entered(path: str, entries: tuple[MountEntry, ...]) -> None:
    kind = fstype_at(path, entries)
    if kind not in OWN:
        raise OSError(errno.EREMOTE, f"on a filesystem of type {kind or 'unknown'}, which may ask a server", path)


def read_bounded(path: str, entries: tuple[MountEntry, ...]) -> str:
    """`MOST` bytes at the most; OSError as `resolved`, or where it is no plain file, or larger."""
    fd = os.open(resolved(path, entries), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        seen = os.fstat(fd)
        if not stat.S_ISREG(seen.st_mode):
            raise OSError(errno.EINVAL, "no plain file", path)
        if seen.st_size > MOST:
            raise OSError(errno.EFBIG, f"larger than {MOST} bytes", path)
        return os.read(fd, MOST).decode("utf-8", "replace")
    finally:
        os.close(fd)
