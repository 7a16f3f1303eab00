"""The neighbour: the workload in a PID namespace of its own, with a copy of the mounts of another container.

    python -m harness.servers.programs.neighbour PID NAME MOUNT FOLDER READ WRITE

So does a second container of a pod see the volume that the first one serves.
"""

from __future__ import annotations

import os
import signal
import sys

import prctl

from harness.linux.syscalls import CLONE_NEWNS, CLONE_NEWPID, mount, setns, unshare
from harness.servers.programs import workload


def main(pid: str, *arguments: str) -> None:
    """Run the workload as the init of a new PID namespace; returns when that has ended."""
    mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    unshare(CLONE_NEWPID)
    setns(mounts, CLONE_NEWNS)
    os.close(mounts)
    unshare(CLONE_NEWNS)
    init = os.fork()
    if init == 0:
        prctl.set_pdeathsig(signal.SIGKILL)
        mount("proc", "/proc", "proc")
        workload.main(*arguments)
    os.waitpid(init, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
