"""squashfuse: a squashfs image, as AppImage and apptainer mount one."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "a squashfs image, read-only"
NEEDS = (
    NeededProgram(("squashfuse",), "squashfuse"),
    NeededProgram(("mksquashfs",), "squashfs-tools"),
)
VERSION = ""
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    image = f"{places.work}/image"
    return Service(
        serve=(places.tools["squashfuse"], "-f", image, places.mount),
        file="file",
        prepare=((places.tools["mksquashfs"], places.data, image, "-quiet", "-no-progress", "-processors", "1"),),
    )
