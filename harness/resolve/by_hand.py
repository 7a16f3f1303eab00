"""What a person would type to unmount in a container whose init is dead.  Pure.

`nsenter … umount` does not do it: umount(8) reads /proc/self/mountinfo first, and the /proc of a dying PID namespace
has no `self`.  So the system call is made, by the Python of whoever types.
"""

from __future__ import annotations

import json
import shlex

FORCE, DETACH = 1, 2  # MNT_FORCE, MNT_DETACH: include/uapi/linux/mount.h


def unmount(task: str, point: str, flags: int, user_ns: str | None = None) -> str:
    """`task`: its folder in /proc; `point`: as its mountinfo has it; `user_ns`: the file of the one to enter before."""
    opened = {"r": f"{task}/root", "m": f"{task}/ns/mnt"} | ({"u": user_ns} if user_ns else {})
    steps = [
        "import ctypes,os",
        "c=ctypes.CDLL(None)",
        *(f"{name}=os.open({json.dumps(path)},0)" for name, path in opened.items()),
        *(["c.setns(u,0)"] if user_ns else []),
        "c.setns(m,0)",
        "os.fchdir(r)",
        'os.chroot(".")',
        f"c.umount2(os.fsencode({json.dumps(point)}),{flags})",
    ]
    return f"python3 -c {shlex.quote('; '.join(steps))}"
