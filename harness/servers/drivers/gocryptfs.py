"""gocryptfs: an encrypted folder.  It refuses a folder that its own mount point lies in, so nothing can be nested."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "an encrypted folder; it refuses one that contains its mount"
NEEDS = (NeededProgram(("gocryptfs",), "gocryptfs"),)
VERSION = "--version"
LIBRARY = "go-fuse (Go)"


def service(places: Places) -> Service:
    """The way it is started."""
    own, cipher = (places.tools["gocryptfs"], "-q"), f"{places.work}/cipher"
    return Service(
        prepare=(("mkdir", cipher), (*own, "-init", "-scryptn", "10", cipher)),
        serve=(*own, "-fg", "-allow_other", cipher, places.mount),
        file="scratch-client",
        scratch="scratch",
        stdin="password\n",
    )
