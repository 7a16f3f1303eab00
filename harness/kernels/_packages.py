"""Package files that make a kernel together."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

from harness import kernel_store
from harness.image import Image
from harness.kernels import _root
from harness.kernels.file import of_file


def image_of(
    spec: str,
    package: str,
    files: tuple[Path, ...],
    extract: Callable[[Path, Path], None],
    tell: Callable[[str], None],
) -> Image:
    """Unpacked once.  UsageError says what no file of them has."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())

    def unpack(folder: Path) -> None:
        for file in files:
            tell(f"unpacking {file.name}")
            extract(file, folder)
        _root.complete(folder, files[0].name, f"put the other packages of that version into {files[0].parent}")

    root = kernel_store.entry(f"package-{digest.hexdigest()}-{_root.KEPT}", unpack)
    return dataclasses.replace(of_root(spec, root, tell), digest=digest.hexdigest(), package=package)


def of_root(spec: str, root: Path, tell: Callable[[str], None]) -> Image:
    """What is complete, as `_root` has it."""
    ((release, kernel),) = _root.images(root).items()
    image = of_file(spec, kernel, _root.modules(root, release), tell)
    return dataclasses.replace(image, config=_root.config(root, release))
