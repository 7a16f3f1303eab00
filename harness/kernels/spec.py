"""What names a kernel on the command line, the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from harness import registry
from harness.errors import UsageError
from harness.kernels import sources as found
from harness.kernels import store as kernel_store
from harness.kernels.image import Image


def find(spec: str, tell: Callable[[str], None]) -> Image:
    """UsageError for what no source knows; what cannot be had is the source's error.  `tell` hears what takes time."""
    image: Image = _source(spec).provide(spec, tell)
    return image


def fetch(spec: str, tell: Callable[[str], None]) -> Image:
    """As `find`, but what comes from elsewhere is asked for anew."""
    source = _source(spec)
    image: Image = getattr(source, "fetch", source.provide)(spec, tell)
    return image


def forget(spec: str, tell: Callable[[str], None]) -> int:
    """What is kept of it goes; the bytes that are free again.  UsageError where it was not fetched."""
    source = _source(spec)
    if hasattr(source, "forget"):
        freed: int = source.forget(spec)
        return freed
    image = find(spec, tell)
    return kernel_store.forget(image.kernel, image.vmlinux, image.modules)


def check(spec: str) -> None:
    """UsageError for what no source knows."""
    _source(spec)


def sources() -> list[ModuleType]:
    return registry.modules(found, "SUMMARY", "EXAMPLES", "claims", "provide")


def _source(spec: str) -> ModuleType:
    for source in sources():
        if source.claims(spec):
            return source
    if spec.startswith((".", "/")):
        path = Path(spec.partition(":")[0])
        what = "there is no kernel in it, as far as is known" if path.exists() else "it is not there"
        raise UsageError(f"no kernel is named by {spec!r}: {what}", "`fusezap kernels` shows what may be")
    if Path(spec).exists():
        raise UsageError(f"no kernel is named by {spec!r}", f"a path begins with a dot or a slash: ./{spec}")
    known = "\n".join(f"  {source.EXAMPLES[0]:<50} {source.SUMMARY}" for source in sources())
    raise UsageError(f"no kernel is named by {spec!r}", f"a kernel may be:\n{known}")
