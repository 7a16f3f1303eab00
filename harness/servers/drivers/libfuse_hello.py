"""The example `hello` of libfuse 3, built from the package's source: one file, by libfuse's high-level interface."""

from __future__ import annotations

from harness.servers.drivers import _libfuse
from harness.servers.server import Places, Service

SUMMARY = "one file, by libfuse's high-level interface: libfuse's example"
NEEDS = _libfuse.NEEDS
FILES = _libfuse.FILES
VERSION = ""
LIBRARY = "libfuse3, of that version"


def service(places: Places) -> Service:
    """The way it is built and started."""
    program = f"{places.work}/hello"
    return Service(
        serve=(program, "-f", places.mount),
        file="hello",
        prepare=_libfuse.built("hello", places),
    )
