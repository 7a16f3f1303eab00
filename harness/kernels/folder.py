"""A folder that holds a kernel as an installed system does: `/boot` and `/lib/modules` below it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from harness.errors import UsageError
from harness.image import Image
from harness.kernels import _root
from harness.kernels.file import of_file

SUMMARY = "a root folder with /boot and /lib/modules; FOLDER:RELEASE where it has several"
EXAMPLES = ("./rootfs", "./rootfs:6.1.0-56-amd64")


def claims(spec: str) -> bool:
    path = spec.partition(":")[0]
    return path.startswith((".", "/")) and bool(_root.images(Path(path)))


def provide(spec: str, tell: Callable[[str], None]) -> Image:
    """It is used as it lies there.  UsageError where it is not clear which kernel is meant, or modules lack."""
    name, _, wanted = spec.partition(":")
    root = Path(name).absolute()
    found = {_release(image): image for image in _root.images(root)}
    if wanted and wanted not in found:
        raise UsageError(f"{name} has no kernel {wanted}", f"there are: {', '.join(sorted(found))}")
    if not wanted and len(found) > 1:
        raise UsageError(
            f"{name} has several kernels", f"name one: {', '.join(f'{name}:{each}' for each in sorted(found))}"
        )
    release = wanted or next(iter(found))
    image = of_file(spec, found[release], _root.modules(root, release), tell)
    config = root / f"boot/config-{release}"
    return dataclasses.replace(image, config=config if config.is_file() else None)


def _release(image: Path) -> str:
    return image.parent.name if image.name == "vmlinuz" else image.name.removeprefix("vmlinuz-")
