"""archivemount: an archive as a folder."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "an archive as a folder"
NEEDS = (
    NeededProgram(("archivemount",), "archivemount"),
    NeededProgram(("tar",), "tar"),
)
VERSION = ""
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    archive = f"{places.work}/archive.tar"
    return Service(
        serve=(places.tools["archivemount"], "-f", archive, places.mount),
        file="file",
        scratch="scratch",
        prepare=((places.tools["tar"], "-cf", archive, "-C", places.data, "file"),),
    )
