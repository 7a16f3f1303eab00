"""What names a kernel on the command line, the same everywhere."""

from __future__ import annotations

from collections.abc import Callable

from harness import kernels, registry
from harness.errors import UsageError
from harness.image import Image


def find(spec: str, tell: Callable[[str], None]) -> Image:
    """UsageError for what no source knows; what cannot be had is the source's error.  `tell` hears what takes time."""
    sources = registry.modules(kernels, "SUMMARY", "EXAMPLES", "claims", "provide")
    for source in sources:
        if source.claims(spec):
            image: Image = source.provide(spec, tell)
            return image
    known = "\n".join(f"  {source.EXAMPLES[0]:<50} {source.SUMMARY}" for source in sources)
    raise UsageError(f"no kernel is named by {spec!r}", f"a kernel may be:\n{known}")
