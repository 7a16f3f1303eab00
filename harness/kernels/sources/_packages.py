"""Package files that make a kernel together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.errors import UsageError
from harness.kernels import store as kernel_store
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _root
from harness.kernels.sources.file import of_file
from harness.record import replace


def image_of_file(
    spec: str,
    split: Callable[[str], Iterable[str]],
    extract: Callable[[Path, Path], None],
    report: Report,
) -> Image:
    """Make the image of a package file, with the others next to it that its kernel is split into.

    Args:
        spec: The path of the file.
        split: From the name of a package file to the names of all that its kernel may be in.
        extract: Unpacks a package file into a folder.
        report: Hears of the progress.

    Raises:
        UsageError: The file is missing or broken, or lacks the parts that are in another package.
    """
    path = Path(spec).absolute()
    if not path.is_file():
        raise UsageError(f"{spec} is not there")
    return image_of(spec, path.stem, beside(path, split), extract, report)


def beside(path: Path, split: Callable[[str], Iterable[str]]) -> tuple[Path, ...]:
    """The file and, of the same kernel and version, those next to it that it may be split into."""
    return tuple(file for name in split(path.name) if (file := path.with_name(name)).is_file())


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
