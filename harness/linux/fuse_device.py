"""Recognizes a descriptor of the FUSE device by the device's number, not by a name."""

from __future__ import annotations

from harness.linux.procfs import GONE
from harness.linux.syscalls import statx_cached

NUMBER = (10, 229)  # MISC_MAJOR and FUSE_MINOR, include/linux/miscdevice.h


def is_fuse_device(tid: int, tgid: int, fd: int, name: str) -> bool:
    """Return True for a FUSE device, whatever its name: character device 10:229 (MISC_MAJOR, FUSE_MINOR).

    `name`: behind its link; one that is no path is none.  The name decides only where statx(2) is not to be had.
    """
    if not name.startswith("/"):
        return False
    try:
        return statx_cached(f"/proc/{tgid}/task/{tid}/fd/{fd}").node == NUMBER
    except GONE:
        return False
    except OSError:
        return name.removesuffix(" (deleted)").rsplit("/", 1)[-1] == "fuse"
