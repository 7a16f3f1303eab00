"""fuse-overlayfs: overlayfs in user space, as rootless podman uses it."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "overlayfs in user space, as rootless containers use it"
NEEDS = (NeededProgram(("fuse-overlayfs",), "fuse-overlayfs"),)
VERSION = "--version"
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    upper, work = f"{places.work}/upper", f"{places.work}/work"
    layers = f"lowerdir={places.folder},upperdir={upper},workdir={work}"
    return Service(
        serve=(places.tools["fuse-overlayfs"], "-f", "-o", layers, places.mount),
        file="data/file",
        scratch="data/scratch",
        nested="mnt/data/file",
        prepare=(("mkdir", upper, work),),
    )
