"""Finds out from mountinfo if a filesystem is mounted at a folder: a system call on the folder itself could hang."""

import os
import re
import time

_OCTAL = re.compile(r"\\([0-7]{3})")

#: Seconds between two checks.
PAUSE_S = 0.001


def mount_points(mountinfo: str) -> set[str]:
    """The mount points in the text of a /proc/PID/mountinfo.

    They are the fifth fields, in which the kernel escapes white space (mangle(), fs/proc_namespace.c).
    """
    points = (line.split(" ", 5)[4] for line in mountinfo.split("\n") if line)
    return {_OCTAL.sub(lambda found: chr(int(found[1], 8)), point) for point in points}


def wait_until_mounted(mountpoint: str) -> None:
    """Wait without a limit: the program that started this one has the deadline."""
    while True:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            if os.path.abspath(mountpoint) in mount_points(file.read()):
                return
        time.sleep(PAUSE_S)
