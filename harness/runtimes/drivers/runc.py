"""runc alone, in the foreground: `runc run` is the container's parent and stays until it has ended."""

from __future__ import annotations

from harness.runtimes.driver import Commands, Container, Need, Place
from harness.runtimes.drivers import _oci

SUMMARY = "runc in the foreground: no daemon and no shim, `runc run` waits for the container itself"
NEEDS = (Need(("runc",), "runc"), _oci.INIT)
VERSIONS = (("runc", ("--version",)),)


def commands(place: Place, container: Container) -> Commands:
    return _oci.commands(place, container, "runc", listing=("list",), ps=("ps", container.name))
