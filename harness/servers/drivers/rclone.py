"""rclone: a remote as a folder; here the remote is a local folder."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "a remote as a folder; here a local one"
NEEDS = (NeededProgram(("rclone",), "rclone"),)
VERSION = "version"
LIBRARY = "bazil.org/fuse (Go)"


def service(places: Places) -> Service:
    """The way it is started."""
    return Service(
        serve=(
            places.tools["rclone"],
            "mount",
            f":local:{places.folder}",
            places.mount,
            *("--cache-dir", f"{places.work}/cache"),
            *("--config", f"{places.work}/rclone.conf"),
            *("--vfs-cache-mode", "writes"),
            "--allow-other",
        ),
        file="data/file",
        scratch="data/scratch",
        nested="mnt/data/file",
        files=((f"{places.work}/rclone.conf", ""),),
    )
