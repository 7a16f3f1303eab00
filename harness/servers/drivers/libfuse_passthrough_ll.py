"""libfuse 3's example `passthrough_ll`, built from its source: a mirror with writeback cache, low-level interface."""

from __future__ import annotations

from harness.servers.drivers import _libfuse
from harness.servers.server import Places, Service

SUMMARY = "a mirror with writeback cache, by libfuse's low-level interface: libfuse's example"
NEEDS = _libfuse.NEEDS
FILES = _libfuse.FILES
VERSION = ""
LIBRARY = "libfuse3, of that version"


def service(places: Places) -> Service:
    """The way it is built and started."""
    program = f"{places.work}/passthrough_ll"
    return Service(
        serve=(program, "-f", "-o", f"source={places.folder},writeback", places.mount),
        file="data/file",
        scratch="data/scratch",
        nested="mnt/data/file",
        prepare=_libfuse.built("passthrough_ll", places),
    )
