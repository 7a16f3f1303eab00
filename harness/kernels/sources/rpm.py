"""A package file of Fedora, RHEL or SUSE, with the others that it is split into where they lie beside it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from harness.errors import MachineError, UsageError
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _packages
from harness.kernels.sources._unpack import unpack_cpio, unpack_output, unpack_tar

SUMMARY = "a package file; what it is split into, beside it"
EXAMPLES = ("./kernel-core-6.17.4-300.fc43.x86_64.rpm",)
_PARTS = ("core", "modules-core", "modules", "default", "default-base")
"""Packages of Fedora and RHEL: the image, the modules (since 2023 in two).  SUSE has all in one."""
_NAME = re.compile(rf"kernel(?P<variant>-rt|-debug|-16k|-64k)?(-(?:{'|'.join(_PARTS)}))?-(?P<version>\d.*\.rpm)")


def claims(spec: str) -> bool:
    return spec.endswith(".rpm") and "://" not in spec


def provide(spec: str, report: Report) -> Image:
    """UsageError for a file that is broken, or lacks what is in another package."""
    return _packages.image_of_file(spec, split, extract, report)


def split(name: str) -> tuple[str, ...]:
    """The names of the package files that the kernel of a package file may be in, itself too."""
    match = _NAME.fullmatch(name)
    if match is None:
        return (name,)
    prefix = f"kernel{match['variant'] or ''}"
    return tuple(dict.fromkeys((*(f"{prefix}-{part}-{match['version']}" for part in _PARTS), name)))


def extract(file: Path, folder: Path) -> None:
    """Unpack the files of a package, by bsdtar or by what rpm brings; no script of it is run.

    Raises:
        MachineError: no program is there that reads an rpm.
        UsageError: the package is broken, or a member of it is refused.
    """
    hint = "install libarchive-tools, or rpm2cpio"
    if shutil.which("bsdtar"):
        argv = ["bsdtar", "--create", "--format=pax", "--file=-", f"@{file}"]
        unpack_output(argv, unpack_tar, folder, file.name, hint)
    elif shutil.which("rpm2cpio"):
        unpack_output(["rpm2cpio", str(file)], unpack_cpio, folder, file.name, hint)
    else:
        raise MachineError("no program is there that unpacks an rpm", hint)
    if not any(folder.iterdir()):
        raise UsageError(f"{file} cannot be unpacked", "is it whole?")
