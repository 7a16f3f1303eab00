"""glusterfs: the client of Gluster; here with its storage in the same process."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "Gluster's client; here with the storage in the same process"
NEEDS = (
    NeededProgram(("glusterfs",), "glusterfs-client"),
    NeededProgram(("glusterfsd",), "glusterfs-server"),
)
VERSION = "--version"
LIBRARY = "its own"


def service(places: Places) -> Service:
    """The way it is started."""
    work = places.work
    volume = (
        f"volume store\n type storage/posix\n option directory {places.folder}\nend-volume\n"
        "volume locks\n type features/locks\n subvolumes store\nend-volume\n"
    )
    return Service(
        serve=(
            places.tools["glusterfs"],
            "--no-daemon",
            *("--volfile", f"{work}/volume"),
            *("--log-file", f"{work}/log"),
            *("--pid-file", f"{work}/pid"),
            places.mount,
        ),
        file="data/file",
        scratch="data/scratch",
        nested="mnt/data/file",
        files=((f"{work}/volume", volume),),
    )
