"""crun alone, in the foreground: `crun run` is the container's parent and stays until it has ended."""

from __future__ import annotations

from harness.runtimes.driver import Commands, GuestContainer, InstancePaths, NeededProgram
from harness.runtimes.drivers import _oci

SUMMARY = "crun in the foreground: no daemon and no shim, `crun run` waits for the container itself"
NEEDS = (NeededProgram(("crun",), "crun"), _oci.INIT)
VERSIONS = (("crun", ("--version",)),)
HIDDEN = ("/sys/fs/cgroup/unified",)
"""It refuses a machine that has both versions of control groups: it is not shown the second."""


def commands(paths: InstancePaths, container: GuestContainer) -> Commands:
    return _oci.commands(paths, container, "crun", listing=("list",), ps=("ps", container.name))
