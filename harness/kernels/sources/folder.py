"""A folder that holds a kernel as an installed system does: `/boot` and `/lib/modules` below it."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UsageError
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _links, _root
from harness.kernels.sources.file import of_file
from harness.record import replace

SUMMARY = "a root folder with /boot and /lib/modules; FOLDER:RELEASE where it has several"
EXAMPLES = ("./rootfs", "./rootfs:6.1.0-56-amd64")


def claims(spec: str) -> bool:
    path = spec.partition(":")[0]
    return path.startswith((".", "/")) and bool(_root.images(Path(path)))


def provide(spec: str, report: Report) -> Image:
    """It is used as it lies there.  UsageError where it is not clear which kernel is meant, or modules lack."""
    name, _, wanted = spec.partition(":")
    root = Path(name).absolute()
    found = _root.images(root)
    if wanted and wanted not in found:
        raise UsageError(f"{name} has no kernel {wanted}", f"there are: {', '.join(sorted(found))}")
    if not wanted and len(found) > 1:
        raise UsageError(
            f"{name} has several kernels", f"name one: {', '.join(f'{name}:{each}' for each in sorted(found))}"
        )
    release = wanted or next(iter(found))
    modules = _root.modules(root, release)
    if modules is not None and not (modules / "modules.dep").is_file():
        modules = _links.linked(release, {str(path.relative_to(modules)): path for path in _root.files(modules)})
    config = _root.config(root, release)
    if modules is None and not _root.needs_none(config):
        report(f"{root} has no modules of {release}: what it needs must be built in")
    return replace(of_file(spec, found[release], modules, report), config=config)
