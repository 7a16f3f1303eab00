"""A kernel build tree, as `make` left it: for a `git bisect run` that builds and asks."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.errors import KernelError, UsageError
from harness.kernels import architectures
from harness.kernels.build import stale
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _links
from harness.kernels.sources.file import of_file
from harness.record import replace

SUMMARY = "a kernel build tree, or what make O=FOLDER filled; refused where make did not finish"
EXAMPLES = (".", "../linux")
_RELEASE = Path("include/config/kernel.release")


def claims(spec: str) -> bool:
    path = Path(spec)
    return spec.startswith((".", "/")) and ((path / _RELEASE).is_file() or (path / "Kbuild").is_file())


def provide(spec: str, report: Report) -> Image:
    """UsageError for a tree that was not built.  KernelError where its image may not be that of its sources."""
    tree = Path(spec).absolute()
    image = _newest(tree)
    if image is None or not (tree / _RELEASE).is_file():
        raise UsageError(f"{tree} has not been built", f"make {_target()}")
    release = (tree / _RELEASE).read_text().strip()
    linked = tree / "vmlinux"
    config = tree / ".config"
    why = stale.reason(tree, image)
    if why is not None:
        raise KernelError(f"{image.name} may not be of these sources: {why}")
    found = of_file(spec, image, None, report, linked if linked.is_file() else None)
    if found.release != release:
        raise KernelError(f"{image} is {found.release}, but the tree is configured as {release}", f"make {image.name}")
    files = modules(tree)
    return replace(
        found,
        modules=_farmed(tree, release, files) if files else None,
        digest=_digest(found, files),
        config=config if config.is_file() else None,
    )


def _newest(tree: Path) -> Path | None:
    """The image that was made last, of whichever architecture; None where none was made."""
    names = (name for machine in architectures.known() for name in architectures.of(machine).IMAGES)
    made = [tree / name for name in names if (tree / name).is_file()]
    return max(made, key=lambda image: image.stat().st_mtime_ns, default=None)


def _target() -> str:
    """The target of make that builds an image for this machine."""
    own = architectures.own()
    return "its image" if own is None else Path(own.IMAGES[0]).name


def modules(tree: Path) -> tuple[str, ...]:
    """Those that were built, as paths below the tree: modules.order has had three forms, with `kernel/` and `.o`."""
    try:
        lines = (tree / "modules.order").read_text().splitlines()
    except FileNotFoundError:
        return ()
    names = (f"{line.removeprefix('kernel/').rpartition('.')[0]}.ko" for line in lines)
    return tuple(name for name in names if (tree / name).is_file())


def _digest(image: Image, files: tuple[str, ...]) -> str:
    """A module is listed by its size and time: there may be gigabytes of them."""
    digest = hashlib.sha256(image.digest.encode())
    assert image.kernel is not None
    tree = image.kernel.parents[3]
    for name in files:
        status = (tree / name).stat()
        digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest() if files else image.digest


def _farmed(tree: Path, release: str, files: tuple[str, ...]) -> Path:
    listed = ("modules.order", "modules.builtin", "modules.builtin.modinfo")
    links = {f"kernel/{name}": tree / name for name in files}
    return _links.linked(release, links | {name: tree / name for name in listed if (tree / name).is_file()})
