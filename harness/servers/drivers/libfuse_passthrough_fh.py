"""libfuse 3's example `passthrough_fh`, built from its source: a mirror of /, by the high-level interface."""

from __future__ import annotations

from harness.servers.drivers import _libfuse
from harness.servers.server import Places, Service

SUMMARY = "a mirror of /, by libfuse's high-level interface: libfuse's example"
NEEDS = _libfuse.NEEDS
FILES = _libfuse.FILES
VERSION = ""
LIBRARY = "libfuse3, of that version"


def service(places: Places) -> Service:
    """The way it is built and started."""
    program = f"{places.work}/passthrough_fh"
    return Service(
        serve=(program, "-f", places.mount),
        file=f"{places.folder}/data/file"[1:],
        scratch=f"{places.folder}/data/scratch"[1:],
        nested=f"{places.mount}{places.folder}/data/file"[1:],
        prepare=_libfuse.built("passthrough_fh", places),
    )
