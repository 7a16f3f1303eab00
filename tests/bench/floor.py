"""A bare script that makes, proves and ends the hang by itself: the floor for what a whole `fusezap run` can take.

`python -m tests.bench.floor` forks an init into a PID namespace of its own, mounts a filesystem by fusepy, holds a
file, kills init, waits until /proc shows the form, aborts the connection and reaps.  It uses nothing of the project.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import tempfile
import threading
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
SYS_CLONE = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
PR_SET_CHILD_SUBREAPER = 36
CONNECTIONS = "/sys/fs/fuse/connections"

libc = ctypes.CDLL(None, use_errno=True)


def serve(mount_point: str, ready: int) -> None:
    """Serve one file; a thread of the server holds it open."""
    from fuse import FUSE, Operations

    class Filesystem(Operations):  # type: ignore[misc]
        def getattr(self, path: str, _: int | None = None) -> dict[str, int]:
            if path == "/":
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
            return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": 1}

        def open(self, *_: object) -> int:
            return 0

        def flush(self, *_: object) -> int:
            return 0

    def hold() -> None:
        while True:
            try:
                os.open(f"{mount_point}/f", os.O_RDONLY)
                break
            except OSError:
                time.sleep(0.002)
        os.write(ready, b"h")
        threading.Event().wait()

    threading.Thread(target=hold, daemon=True).start()
    FUSE(Filesystem(), mount_point, foreground=True, nothreads=False, raw_fi=False, fsname=f"floor-{os.getpid()}")


def container(mount_point: str, ready: int) -> int:
    """Start init in namespaces of its own, with the server below it; its PID."""
    init: int = libc.syscall(SYS_CLONE, CLONE_NEWPID | CLONE_NEWNS | signal.SIGCHLD, 0, 0, 0, 0)
    if init:
        return init
    libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    if os.fork() == 0:
        serve(mount_point, ready)
        os._exit(0)
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            time.sleep(1)


def stuck(init: int) -> str | None:
    """The folder in /proc of the task that hangs in its flush; None while there is none."""
    try:
        with open(f"/proc/{init}/stack") as file:
            if "zap_pid_ns" not in file.read():
                return None
        with open(f"/proc/{init}/task/{init}/children") as file:
            children = file.read().split()
        for child in children:
            for tid in os.listdir(f"/proc/{child}/task"):
                with open(f"/proc/{child}/task/{tid}/stack") as file:
                    if "fuse_flush" in file.read():
                        return f"/proc/{child}/task/{tid}"
    except OSError:  # a task went while it was read
        return None
    return None


def main() -> None:
    if not os.path.ismount(CONNECTIONS):
        libc.mount(b"none", CONNECTIONS.encode(), b"fusectl", 0, None)
    mount_point = tempfile.mkdtemp(prefix="floor")
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    readable, ready = os.pipe()
    init = container(mount_point, ready)
    os.read(readable, 1)
    os.kill(init, signal.SIGKILL)
    while (task := stuck(init)) is None:
        pass
    with open(f"{task}/mountinfo") as file:
        (connection,) = (line.split()[2].partition(":")[2] for line in file if mount_point in line)
    with open(f"{CONNECTIONS}/{connection}/abort", "w") as file:
        file.write("1")
    os.waitpid(init, 0)
    os.rmdir(mount_point)


if __name__ == "__main__":
    main()
