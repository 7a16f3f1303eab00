"""A package file of Debian or Ubuntu, with the others that it is split into where they lie beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness import kernel_store
from harness.errors import MachineError, UsageError
from harness.image import Image
from harness.kernels.file import of_file

SUMMARY = "a package file; what it is split into, beside it"
EXAMPLES = ("./linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb",)
_PARTS = ("linux-image-unsigned-", "linux-image-", "linux-binary-", "linux-modules-")


def claims(spec: str) -> bool:
    return spec.endswith(".deb")


def provide(spec: str, tell: Callable[[str], None]) -> Image:
    """UsageError for a file that is broken, or lacks what is in another package."""
    path = Path(spec).absolute()
    if not path.is_file():
        raise UsageError(f"{spec} is not there")
    files = parts(path)
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())

    def unpack(folder: Path) -> None:
        for file in files:
            tell(f"unpacking {file.name}")
            _extract(file, folder)
        _complete(folder, path)

    root = kernel_store.entry(f"deb-{digest.hexdigest()}", unpack)
    kernel, modules = found(root)
    assert kernel is not None
    image = of_file(spec, kernel, modules, tell)
    config = next(root.glob("boot/config-*"), None)
    return dataclasses.replace(image, digest=digest.hexdigest(), config=config, package=path.stem)


def parts(path: Path) -> tuple[Path, ...]:
    """The file and, of the same kernel and version, those beside it that it may be split into."""
    prefix = next((part for part in _PARTS if path.name.startswith(part)), None)
    if prefix is None:
        return (path,)
    rest = path.name.removeprefix(prefix)
    return tuple(file for part in _PARTS if (file := path.with_name(part + rest)).is_file())


def found(root: Path) -> tuple[Path | None, Path | None]:
    """The image and the modules' folder in an unpacked package."""
    modules = next(iter((*root.glob("lib/modules/*"), *root.glob("usr/lib/modules/*"))), None)
    if modules is not None and not (modules / "kernel").is_dir():
        modules = None
    images = (*root.glob("boot/vmlinuz-*"), *root.glob("*/modules/*/vmlinuz"), *root.glob("usr/lib/modules/*/vmlinuz"))
    return next(iter(images), None), modules


def _extract(file: Path, folder: Path) -> None:
    try:
        ended = subprocess.run(
            ["dpkg-deb", "--extract", str(file), str(folder)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise MachineError("dpkg-deb is not there", "install dpkg") from error
    if ended.returncode:
        raise UsageError(f"{file} cannot be unpacked", ended.stderr.strip() or "is it whole?")


def _complete(folder: Path, path: Path) -> None:
    """Refuses half of a kernel, keeps nothing that no run needs, and says what depends on what."""
    kernel, modules = found(folder)
    for what, there in (("no image (linux-binary or linux-image)", kernel), ("no modules (linux-modules)", modules)):
        if there is None:
            raise UsageError(f"{path.name} has {what}", f"put the other packages of that version into {path.parent}")
    assert modules is not None
    for name in ("usr/share", "usr/lib/debug"):
        shutil.rmtree(folder / name, ignore_errors=True)
    root = modules.parents[2]
    try:
        subprocess.run(["depmod", "--basedir", str(root), modules.name], check=True, capture_output=True)
    except FileNotFoundError as error:
        raise MachineError("depmod is not there", "install kmod") from error
