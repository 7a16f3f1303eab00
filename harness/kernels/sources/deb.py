"""A package file of Debian or Ubuntu, with the others that it is split into where they lie beside it."""

from __future__ import annotations

from pathlib import Path

from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _packages
from harness.kernels.sources._unpack import unpack_output, unpack_tar

SUMMARY = "a package file; what it is split into, beside it"
EXAMPLES = ("./linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb",)
_PARTS = (
    *("linux-image-unsigned-", "linux-image-", "linux-binary-", "linux-modules-extra-", "linux-modules-"),
    "linux-base-",
)
"""Debian, since 7.2, has what tells of the modules that are built in, and the configuration, in linux-base-VERSION."""


def claims(spec: str) -> bool:
    return spec.endswith(".deb") and "://" not in spec


def provide(spec: str, report: Report) -> Image:
    """UsageError for a file that is broken, or lacks what is in another package."""
    return _packages.image_of_file(spec, split, extract, report)


def split(name: str) -> tuple[str, ...]:
    """The names of the package files that the kernel of a package file may be in, itself too."""
    prefix = next((part for part in _PARTS if name.startswith(part)), None)
    if prefix is None:
        return (name,)
    return tuple(part + name.removeprefix(prefix) for part in _PARTS)


def extract(file: Path, folder: Path) -> None:
    """Unpack the files of a package; no script of it is run.

    Raises:
        MachineError: dpkg-deb is missing.
        UsageError: the package is broken, or a member of it is refused.
    """
    argv = ["dpkg-deb", "--fsys-tarfile", str(file)]
    unpack_output(argv, unpack_tar, folder, file.name, "install dpkg")
