"""fuse-zip: a ZIP archive as a folder."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "a ZIP archive as a folder"
NEEDS = (NeededProgram(("fuse-zip",), "fuse-zip"),)
VERSION = "--version"
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    archive = f"{places.work}/archive.zip"
    make = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w').write(sys.argv[2], 'file')"
    return Service(
        serve=(places.tools["fuse-zip"], "-f", archive, places.mount),
        file="file",
        scratch="scratch",
        prepare=((places.python[0], "-c", make, archive, f"{places.data}/file"),),
    )
