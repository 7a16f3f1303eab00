"""Reading a file of which only the path is known, so that it cannot hang with a filesystem that hangs.

A path is followed component by component, by the table of mounts that we have already: only filesystems that this
kernel keeps itself are entered.  One that hangs all the same (a disk that does not answer) costs whoever waits for the
reader a deadline, no more: see `harness/diagnosis/identify.py`.
"""

from __future__ import annotations

import errno
import os
import stat

from harness.linux import procfs
from harness.linux.mountinfo import fstypes_by_point

OWN = frozenset(
    {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "rootfs", "tmpfs", "xfs", "zfs"}
)
"""Filesystems that ask no server."""
MOST = 1 << 20
_LINKS = 20


class MountPoints:
    """The filesystem at each path, by the mount points alone; what it costs to ask does not grow with their number."""

    def __init__(self, fstypes: dict[str, str]) -> None:
        """`fstypes`: the filesystem on top of each mount point."""
        self._fstypes = {point.rstrip("/"): fstype for point, fstype in fstypes.items()}

    @classmethod
    def of_process(cls, pid: int) -> MountPoints:
        """As the process sees them; OSError as `read_mountinfo`."""
        return cls(fstypes_by_point(procfs.read(f"/proc/{pid}/task/{pid}/mountinfo")))

    def fstype_at(self, path: str) -> str:
        """Return the filesystem that an absolute path without links is on; empty where none is known."""
        here = path.rstrip("/")
        while here not in self._fstypes:
            if not here:
                return ""
            here = here.rpartition("/")[0]
        return self._fstypes[here]


def resolved(path: str, points: MountPoints) -> str:
    """Without symbolic links; OSError where the path leads to a filesystem that is not this kernel's own."""
    todo, here, links = path.strip("/").split("/"), "", 0
    while todo:
        step = todo.pop(0)
        if step in ("", "."):
            continue
        if step == "..":
            here = here.rpartition("/")[0]
            continue
        _entered(f"{here}/{step}", points)
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


def _entered(path: str, points: MountPoints) -> None:
    kind = points.fstype_at(path)
    if kind not in OWN:
        raise OSError(errno.EREMOTE, f"on a filesystem of type {kind or 'unknown'}, which may ask a server", path)


def read_bounded(path: str, points: MountPoints) -> str:
    """`MOST` bytes at the most; OSError as `resolved`, or where it is no plain file, or larger."""
    fd = os.open(resolved(path, points), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        seen = os.fstat(fd)
        if not stat.S_ISREG(seen.st_mode):
            raise OSError(errno.EINVAL, "no plain file", path)
        if seen.st_size > MOST:
            raise OSError(errno.EFBIG, f"larger than {MOST} bytes", path)
        return os.read(fd, MOST).decode("utf-8", "replace")
    finally:
        os.close(fd)
