"""The examples of libfuse 3, as Debian's libfuse3-dev has their source."""

from __future__ import annotations

from harness.runtimes.driver import NeededProgram
from harness.servers.server import Argv, Places

EXAMPLES = "/usr/share/doc/libfuse3-dev/examples"
NEEDS = (
    NeededProgram(("cc",), "gcc"),
    NeededProgram(("pkg-config",), "pkg-config"),
)
FILES = ((f"{EXAMPLES}/passthrough_ll.c", "libfuse3-dev"),)


def built(name: str, places: Places) -> tuple[Argv, ...]:
    """The commands that build an example in the folder for work."""
    compile_it = f"cc -o {places.work}/{name} {EXAMPLES}/{name}.c $(pkg-config --cflags --libs fuse3)"
    return (("sh", "-c", compile_it),)
