"""bindfs: another view of a folder, with other owners and permissions."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "another view of a folder; one thread unless it is told otherwise"
NEEDS = (NeededProgram(("bindfs",), "bindfs"),)
VERSION = "--version"
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    return Service(
        serve=(places.tools["bindfs"], "-f", places.folder, places.mount),
        file="data/file",
        scratch="data/scratch",
        nested="mnt/data/file",
    )
