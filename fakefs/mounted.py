"""Whether something is mounted at a folder, told without asking the folder: that could hang."""

import os
import re
import time

_OCTAL = re.compile(r"\\([0-7]{3})")

#: Seconds between two looks.
PAUSE_S = 0.001


def mount_points(mountinfo: str) -> set[str]:
    """The fifth field of each line of a /proc/PID/mountinfo, its escapes undone (mangle(), fs/proc_namespace.c)."""
    points = (line.split(" ", 5)[4] for line in mountinfo.splitlines() if line)
    return {_OCTAL.sub(lambda found: chr(int(found[1], 8)), point) for point in points}


def wait_until_mounted(mountpoint: str) -> None:
    """For ever if need be: whoever started us has the deadline."""
    while True:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            if os.path.abspath(mountpoint) in mount_points(file.read()):
                return
        time.sleep(PAUSE_S)
