"""A kernel build tree, as `make` left it: for a `git bisect run` that builds and asks."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness import kernel_store
from harness.errors import MachineError, UsageError
from harness.image import Image
from harness.kernels.file import of_file

SUMMARY = "a kernel build tree, or what make O=FOLDER filled; see to make's status yourself"
EXAMPLES = (".", "../linux")
_IMAGES = {"x86_64": "arch/x86/boot/bzImage"}
_RELEASE = Path("include/config/kernel.release")


def claims(spec: str) -> bool:
    path = Path(spec)
    return spec.startswith((".", "/")) and ((path / _RELEASE).is_file() or (path / "Kbuild").is_file())


def provide(spec: str, tell: Callable[[str], None]) -> Image:
    """UsageError for a tree that was not built, or whose image is not of its last build as far as its files tell."""
    tree = Path(spec).absolute()
    image = tree / _IMAGES.get(platform.machine(), "arch/x86/boot/bzImage")
    if not image.is_file() or not (tree / _RELEASE).is_file():
        raise UsageError(f"{tree} has not been built", "make bzImage")
    release = (tree / _RELEASE).read_text().strip()
    linked = tree / "vmlinux"
    if linked.is_file() and linked.stat().st_mtime_ns > image.stat().st_mtime_ns:
        raise UsageError(f"{image} is older than the vmlinux beside it", "make bzImage, and see that it succeeds")
    found = of_file(spec, image, None, tell)
    if found.release != release:
        raise UsageError(f"{image} is {found.release}, but the tree is configured as {release}", "make bzImage")
    files = modules(tree)
    config = tree / ".config"
    return dataclasses.replace(
        found,
        modules=_farm(tree, release, files) if files else None,
        digest=_digest(found, files),
        config=config if config.is_file() else None,
    )


def modules(tree: Path) -> tuple[str, ...]:
    """Those that were built, as paths below the tree: modules.order has had three forms, with `kernel/` and `.o`."""
    try:
        lines = (tree / "modules.order").read_text().splitlines()
    except FileNotFoundError:
        return ()
    names = (f"{line.removeprefix('kernel/').rpartition('.')[0]}.ko" for line in lines)
    return tuple(name for name in names if (tree / name).is_file())


def _digest(image: Image, files: tuple[str, ...]) -> str:
    """A module is told by its size and time: there may be gigabytes of them."""
    digest = hashlib.sha256(image.digest.encode())
    assert image.kernel is not None
    tree = image.kernel.parents[3]
    for name in files:
        status = (tree / name).stat()
        digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest() if files else image.digest


def _farm(tree: Path, release: str, files: tuple[str, ...]) -> Path:
    """As modules_install lays them out, but links: nothing is copied, and nothing needs to be stripped."""
    stamp = hashlib.sha256("\n".join((str(tree), *files)).encode()).hexdigest()

    def link(folder: Path) -> None:
        root = folder / "lib/modules" / release
        for name in files:
            target = root / "kernel" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(tree / name)
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            if (tree / name).is_file():
                (root / name).symlink_to(tree / name)

    root = kernel_store.entry(f"tree-{stamp}", link) / "lib/modules" / release
    try:  # each time: what depends on what may have changed, and the names not
        subprocess.run(["depmod", "--basedir", str(root.parents[2]), release], check=True, capture_output=True)
    except FileNotFoundError as error:
        raise MachineError("depmod is not there", "install kmod") from error
    return root
