"""fuse2fs: ext2 to ext4 in user space."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "an ext4 image in user space"
NEEDS = (
    NeededProgram(("fuse2fs",), "fuse2fs"),
    NeededProgram(("mke2fs",), "e2fsprogs"),
)
VERSION = ""
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    image = f"{places.work}/image"
    return Service(
        serve=(places.tools["fuse2fs"], "-f", image, places.mount),
        file="file",
        scratch="scratch",
        prepare=((places.tools["mke2fs"], "-q", "-t", "ext4", "-d", places.data, image, "8M"),),
    )
