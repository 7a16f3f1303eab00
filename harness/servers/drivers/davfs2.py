"""davfs2: a WebDAV share; here of a server on the loopback interface."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "a WebDAV share; here on the loopback interface"
NEEDS = (NeededProgram(("mount.davfs",), "davfs2"),)
VERSION = "--version"
LIBRARY = "its own"


def service(places: Places) -> Service:
    """The way it is started."""
    config = f"{places.work}/davfs2.conf"
    return Service(
        serve=(places.tools["mount.davfs"], f"http://127.0.0.1:{places.port}/", places.mount),
        file="file",
        scratch="scratch",
        prepare=(
            # It reads the user that it becomes, who must reach the run's folder, from this file alone.
            ("mount", "--bind", config, "/etc/davfs2/davfs2.conf"),
            ("mount", "-t", "tmpfs", "-o", "mode=1775", "tmpfs", "/var/run/mount.davfs"),
        ),
        backend=(*places.python, "harness.servers.programs.webdav", str(places.port), places.data),
        files=((config, f"dav_user root\ndav_group root\nuse_locks 0\nask_auth 0\ncache_dir {places.work}/cache\n"),),
    )
