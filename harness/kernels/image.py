"""A kernel that can be started: what every source of kernels gives, and every engine takes."""

from __future__ import annotations

from pathlib import Path

from harness.record import record

HOST = "host"
"""The spec of the kernel that runs already."""


@record(frozen=True, slots=True)
class Image:
    spec: str
    """As the user named it: the same text names it again."""
    release: str
    """`uname -r` under it."""
    version: str
    """`uname -v` of the kernel, from the image, else from its package, else empty."""
    machine: str
    """`uname -m` under it."""
    digest: str
    """SHA-256, hexadecimal, of all that decides how it behaves, image and modules: results are kept under it."""
    kernel: Path | None
    """vmlinuz, bzImage or vmlinux as it came; None: the kernel that runs already."""
    vmlinux: Path | None = None
    """The same, unpacked, as QEMU starts it; None where it could not be unpacked."""
    modules: Path | None = None
    """`…/lib/modules/RELEASE`, with modules.dep; None: it needs none."""
    config: Path | None = None
    package: str = ""
    """Name and version of the package that it is from."""

    @property
    def is_host(self) -> bool:
        return self.kernel is None
