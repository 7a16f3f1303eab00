"""The features that the hang needs and this machine lacks: found by trying or reading, never by comparing versions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from harness.linux import procfs

_SYSCTLS = {
    "/proc/sys/kernel/unprivileged_userns_clone": ("0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    "/proc/sys/user/max_user_namespaces": ("0", "sudo sysctl user.max_user_namespaces=15000"),
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
}


def user_namespace_advice() -> tuple[str, ...]:
    """Commands that would let this user make a user namespace; empty where no known switch is off."""
    advice = []
    for path, (off, command) in _SYSCTLS.items():
        try:
            if procfs.read(path).strip() == off:
                advice.append(command)
        except OSError:
            continue  # this kernel does not have that switch
    return tuple(advice)


def _freezer(version: int) -> bool:
    from harness.linux import cgroup

    return cgroup.find(version) is not None


PROBES: dict[str, Callable[[], bool]] = {
    "root": lambda: os.geteuid() == 0,
    "cgroup v1 freezer": lambda: _freezer(1),
    "cgroup v2 freezer": lambda: _freezer(2),
}
"""Requirements of scenarios, by the names that they use."""


def lacking(needed: Iterable[str]) -> tuple[str, ...]:
    """All that this machine does not have of it."""
    return tuple(each for each in needed if not PROBES[each]())


def missing() -> tuple[str, ...]:
    """Everything that is missing, each with what to do about it; empty when a run can be tried."""
    faults = []
    # ns_entries[] (fs/proc/namespaces.c) has it only with CONFIG_PID_NS.
    if not os.path.lexists("/proc/self/ns/pid"):
        faults.append("this kernel has no PID namespaces: it was built without CONFIG_PID_NS")
    if not os.path.exists("/dev/fuse"):
        faults.append("/dev/fuse is not there: load the module with `sudo modprobe fuse`, unless CONFIG_FUSE_FS is off")
    elif not os.access("/dev/fuse", os.R_OK | os.W_OK):
        faults.append("/dev/fuse may not be opened by this user: run as root, or `sudo chmod 666 /dev/fuse`")
    return tuple(faults)
