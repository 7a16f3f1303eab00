"""encfs: a folder encrypted file by file, with names in cipher."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Places, Service

SUMMARY = "a folder encrypted file by file"
NEEDS = (NeededProgram(("encfs",), "encfs"),)
VERSION = "--version"
LIBRARY = ""


def service(places: Places) -> Service:
    """The way it is started."""
    source = f"{places.work}/cipher"
    return Service(
        serve=(places.tools["encfs"], "-f", "--standard", "--stdinpass", source, places.mount),
        file="scratch-client",
        scratch="scratch",
        prepare=(("mkdir", source),),
        stdin="password\n",
    )
