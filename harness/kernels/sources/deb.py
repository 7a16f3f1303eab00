"""A package file of Debian or Ubuntu, with the others that it is split into where they lie beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from harness.errors import MachineError, UsageError
from harness.kernels.image import Image
from harness.kernels.sources import _packages

SUMMARY = "a package file; what it is split into, beside it"
EXAMPLES = ("./linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb",)
_PARTS = (
    *("linux-image-unsigned-", "linux-image-", "linux-binary-", "linux-modules-extra-", "linux-modules-"),
    "linux-base-",
)
"""Debian, since 7.2, has what tells of the modules that are built in, and the configuration, in linux-base-VERSION."""


def claims(spec: str) -> bool:
    return spec.endswith(".deb")


def provide(spec: str, tell: Callable[[str], None]) -> Image:
    """UsageError for a file that is broken, or lacks what is in another package."""
    path = Path(spec).absolute()
    if not path.is_file():
        raise UsageError(f"{spec} is not there")
    return _packages.image_of(spec, path.stem, parts(path), extract, tell)


def parts(path: Path) -> tuple[Path, ...]:
    """The file and, of the same kernel and version, those beside it that it may be split into."""
    prefix = next((part for part in _PARTS if path.name.startswith(part)), None)
    if prefix is None:
        return (path,)
    rest = path.name.removeprefix(prefix)
    return tuple(file for part in _PARTS if (file := path.with_name(part + rest)).is_file())


def extract(file: Path, folder: Path) -> None:
    try:
        ended = subprocess.run(
            ["dpkg-deb", "--extract", str(file), str(folder)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise MachineError("dpkg-deb is not there", "install dpkg") from error
    if ended.returncode:
        raise UsageError(f"{file} cannot be unpacked", ended.stderr.strip() or "is it whole?")
