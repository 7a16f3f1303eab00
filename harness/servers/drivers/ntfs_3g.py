"""ntfs-3g: NTFS in user space, with a FUSE library of its own."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "an NTFS image in user space"
NEEDS = (
    NeededProgram(("ntfs-3g",), "ntfs-3g"),
    NeededProgram(("mkntfs",), "ntfs-3g"),
)
VERSION = "--version"
LIBRARY = "libfuse-lite, in the program"


def service(places: Places) -> Service:
    """The way it is started."""
    image = f"{places.work}/image"
    return Service(
        serve=(places.tools["ntfs-3g"], "-o", "no_detach", image, places.mount),
        file="scratch-client",
        scratch="scratch",
        prepare=(
            ("truncate", "-s", "8M", image),
            (places.tools["mkntfs"], "-q", "-F", "-Q", image),
        ),
    )
