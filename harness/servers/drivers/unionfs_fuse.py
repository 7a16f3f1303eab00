"""unionfs-fuse: branches laid over each other."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "branches laid over each other"
NEEDS = (NeededProgram(("unionfs",), "unionfs-fuse"),)
VERSION = "--version"
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    return Service(
        serve=(places.tools["unionfs"], "-f", f"{places.folder}=RW", places.mount),
        file="data/file",
        scratch="data/scratch",
        nested="mnt/data/file",
    )
