"""Kernels of an archive on the web: fetched once, unpacked once, and remembered by the SPEC."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from harness.errors import UsageError
from harness.kernels import store as kernel_store
from harness.kernels import web
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _packages, debian

Extract = Callable[[Path, Path], None]
"""Unpacks a package file into a folder."""


def remembered(spec: str) -> Image | None:
    """The kernel of a SPEC, without a network, where it was fetched before."""
    return debian.remembered(_known(spec), spec)


def fetched(spec: str, files: tuple[web.WebFile, ...], extract: Extract, report: Report) -> Image:
    """Fetch the package files of a kernel, and unpack them.

    Args:
        spec: Its SPEC.
        files: The package files; the first has the image.
        extract: Unpacks one.
        report: Is called with the progress.

    Returns:
        The image, which `remembered` finds from now on.
    """
    with downloaded(spec, files, report) as paths:
        image = _packages.image_of(spec, files[0].name.rpartition(".")[0], paths, extract, report)
    debian.remember(_known(spec), image)
    return image


@contextmanager
def downloaded(spec: str, files: tuple[web.WebFile, ...], report: Report) -> Iterator[tuple[Path, ...]]:
    """Fetch files for a block; two who want the same SPEC at once fetch it once after the other.

    Args:
        spec: The SPEC that they belong to.
        files: The files.
        report: Is called with the progress.

    Yields:
        The files; they are removed when the block ends.  A fetch that fails leaves its parts for the next one.
    """
    folder = kernel_store.base() / "archives" / hashlib.sha256(spec.encode()).hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        paths = web.fetch(files, folder, report)
        try:
            yield paths
        finally:
            shutil.rmtree(folder)


def remember(image: Image) -> None:
    """Let `remembered` find an image from now on."""
    debian.remember(_known(image.spec), image)


def forget(spec: str) -> int:
    """Remove a kernel from the cache.

    Args:
        spec: Its SPEC.

    Returns:
        The bytes that are free again.

    Raises:
        UsageError: It was not fetched.
    """
    image = remembered(spec)
    if image is None:
        raise UsageError(f"{spec} was not fetched", "`fusezap kernels` lists what was")
    _known(spec).unlink()
    return kernel_store.forget(image.kernel, image.vmlinux, image.modules)


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts names by the numbers in them: 6.2 before 6.10."""
    return tuple((int(each), "") if each.isdigit() else (-1, each) for each in re.findall(r"\d+|\D+", name))


def _known(spec: str) -> Path:
    return kernel_store.specs() / quote(spec, safe=":+~")
