"""bindfs with its option for several threads."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "another view of a folder, with --multithreaded"
NEEDS = (NeededProgram(("bindfs",), "bindfs"),)
VERSION = "--version"
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    return Service(
        serve=(places.tools["bindfs"], "-f", "--multithreaded", places.folder, places.mount),
        file="data/file",
        scratch="data/scratch",
        nested="mnt/data/file",
    )
