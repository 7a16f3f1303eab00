"""Kernel specifications of the command line, the same everywhere."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from harness import registry
from harness.errors import UsageError
from harness.kernels import sources as found
from harness.kernels import store as kernel_store
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.model.printable import visible


def find(spec: str, report: Report) -> Image:
    """Finds the kernel that a SPEC names.

    Args:
        spec: As on the command line, such as `debian:bookworm`.
        report: Is called with the progress of slow steps.

    Returns:
        The image, from the cache where it was fetched before.

    Raises:
        UsageError: No source knows the SPEC.
        FusezapError: The source cannot get it.
    """
    image: Image = _source(spec).provide(spec, report)
    return image


def fetch(spec: str, report: Report) -> Image:
    """As `find`, but an archive is asked again, and the cache is not."""
    source = _source(spec)
    image: Image = getattr(source, "fetch", source.provide)(spec, report)
    return image


def line(spec: str) -> tuple[str, ...]:
    """List the kernels of a SPEC that names a range of an archive, such as `mainline:v6.2..v6.7`.

    Args:
        spec: Any SPEC; the archive is asked where it is a range.

    Returns:
        SPECs of single kernels, the oldest first; of any other SPEC, itself.

    Raises:
        UsageError: No source knows the SPEC, or the range has no kernel.
        FusezapError: The archive cannot be asked.
    """
    source = _source(spec)
    found: tuple[str, ...] = source.line(spec) if hasattr(source, "line") else (spec,)
    return found


def forget(spec: str, report: Report) -> int:
    """Removes a kernel from the cache.

    Returns:
        The number of bytes freed.

    Raises:
        UsageError: The kernel is not in the cache.
    """
    source = _source(spec)
    if hasattr(source, "forget"):
        freed: int = source.forget(spec)
        return freed
    image = find(spec, report)
    return kernel_store.forget(image.kernel, image.vmlinux, image.modules)


def check(spec: str) -> None:
    """Raises UsageError if no source knows the SPEC."""
    _source(spec)


def sources() -> list[ModuleType]:
    return registry.modules(found, "SUMMARY", "EXAMPLES", "claims", "provide")


def _source(spec: str) -> ModuleType:
    try:
        return _claiming(spec)
    except OSError as error:  # such as a name that is too long
        raise UsageError(f"no kernel is named by {visible(spec)[:200]}: {error.strerror}") from error


def _claiming(spec: str) -> ModuleType:
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
