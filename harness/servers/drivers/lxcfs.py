"""lxcfs: a container's own view of /proc and of the control groups."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "a container's own view of /proc"
NEEDS = (NeededProgram(("lxcfs",), "lxcfs"),)
VERSION = "--version"
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    return Service(
        serve=(places.tools["lxcfs"], "-f", "-p", f"{places.work}/pid", places.mount),
        file="proc/meminfo",
    )
