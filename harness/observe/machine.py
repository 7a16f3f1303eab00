"""Facts about the machine itself, without which a reading of it proves nothing."""

from __future__ import annotations

import functools
import os

from harness.linux import procfs
from harness.linux.mountinfo import read_mountinfo
from harness.linux.propagation import make_mounts_private
from harness.linux.syscalls import CLONE_NEWNS, mount, unshare

INITIAL_PID_NS = 0xEFFFFFFC  # PROC_PID_INIT_INO, include/linux/proc_ns.h
_TIMEOUTS = ("default_request_timeout", "max_request_timeout")


def invisible() -> tuple[str, ...]:
    """Return why there may be processes that this /proc does not show; empty where it shows all."""
    found = []
    me = os.getpid()
    if procfs.read_namespace(me, me, "pid") != INITIAL_PID_NS:
        found.append("processes outside of the PID namespace that this was read in")
    if os.readlink("/proc/self") != str(me):
        found.append("processes outside of the PID namespace that /proc is mounted for")
    options = [
        option
        for entry in read_mountinfo(me, me)
        if entry.fstype == "proc" and entry.point == "/proc"
        for option in entry.options.split(",")
    ]
    if "subset=pid" in options:
        found.append("what /proc, mounted with subset=pid, leaves out")
    hides = any(option.startswith("hidepid=") and option not in ("hidepid=0", "hidepid=off") for option in options)
    if hides and not procfs.has_capabilities(procfs.CAP_SYS_PTRACE):
        found.append("processes of others, which /proc, mounted with hidepid, does not show without CAP_SYS_PTRACE")
    return tuple(found)


def request_timeout() -> int | None:
    """Return the kernel's own limit of a FUSE wait, in seconds; 0: none; None: this kernel (before 6.15) has no such
    limit."""
    try:
        return max(int(procfs.read(f"/proc/sys/fs/fuse/{name}")) for name in _TIMEOUTS)
    except (OSError, ValueError):
        return None


@functools.cache
def fdinfo_names_connections() -> bool:
    """Return True where this kernel's fdinfo of a FUSE device names the connection (fuse_dev_show_fdinfo(),
    fs/fuse/dev.c, since 6.17).

    Tried on a connection of our own, in a mount namespace of a child's own: nobody answers its INIT, and it ends with
    the child.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, b"1" if _named() else b"0")
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return answer == b"1"


def _named() -> bool:
    try:
        unshare(CLONE_NEWNS)
        make_mounts_private()
        info = os.open("/proc/self/fdinfo", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        mount("fusezap-probe", "/sys", "fuse", 0, f"fd={device},rootmode=40000,user_id=0,group_id=0")
        text = os.read(os.open(str(device), os.O_RDONLY | os.O_CLOEXEC, dir_fd=info), 4096).decode()
    except OSError:
        return False
    return procfs.parse_fdinfo_connection(text) is not None
