"""runc alone, in the foreground: `runc run` is the container's parent and stays until it has ended."""

from __future__ import annotations

from harness.runtimes.driver import Commands, GuestContainer, InstancePaths, NeededProgram
from harness.runtimes.drivers import _oci

SUMMARY = "runc in the foreground: no daemon and no shim, `runc run` waits for the container itself"
NEEDS = (NeededProgram(("runc",), "runc"), _oci.INIT, NeededProgram(("ps",), "procps"))
VERSIONS = (("runc", ("--version",)),)


def commands(paths: InstancePaths, container: GuestContainer) -> Commands:
    return _oci.commands(paths, container, "runc", listing=("list",), ps=("ps", container.name))
