"""mergerfs: several folders as one."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "several folders as one"
NEEDS = (NeededProgram(("mergerfs",), "mergerfs"),)
VERSION = "--version"
LIBRARY = "a libfuse of its own"


def service(places: Places) -> Service:
    """The way it is started."""
    return Service(
        serve=(places.tools["mergerfs"], "-f", places.folder, places.mount),
        file="data/file",
        scratch="data/scratch",
        nested="mnt/data/file",
    )
