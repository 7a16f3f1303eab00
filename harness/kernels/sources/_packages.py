"""Package files that make a kernel together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.kernels import store as kernel_store
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _root
from harness.kernels.sources.file import of_file
from harness.record import replace


def image_of(
    spec: str,
    package: str,
    files: tuple[Path, ...],
    extract: Callable[[Path, Path], None],
    report: Report,
) -> Image:
    """Unpacked once.  UsageError says what no file of them has."""
    digest = _digest(map(_sum, files))

    def unpack(folder: Path) -> None:
        for file in files:
            report(f"unpacking {file.name}")
            extract(file, folder)
        _root.complete(folder, files[0].name, f"put the other packages of that version into {files[0].parent}")

    root = kernel_store.entry(_entry(digest), unpack)
    return replace(of_root(spec, root, report), digest=digest, package=package)


def unpacked(spec: str, package: str, sums: Iterable[str], report: Report) -> Image | None:
    """The entry of the files with those sums (SHA-256, hexadecimal), if they were unpacked before."""
    digest = _digest(map(bytes.fromhex, sums))
    root = kernel_store.found(_entry(digest))
    if root is None:
        return None
    return replace(of_root(spec, root, report), digest=digest, package=package)


def _digest(sums: Iterable[bytes]) -> str:
    """The digest of a set of files, whatever their order."""
    return hashlib.sha256(b"".join(sorted(sums))).hexdigest()


def _sum(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _entry(digest: str) -> str:
    return f"package-{digest}-{_root.KEPT}"


def of_root(spec: str, root: Path, report: Report) -> Image:
    """Make the image of an unpacked root that is complete."""
    ((release, kernel),) = _root.images(root).items()
    image = of_file(spec, kernel, _root.modules(root, release), report)
    return replace(image, config=_root.config(root, release))
