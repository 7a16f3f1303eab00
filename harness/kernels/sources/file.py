"""An image that somebody built: bzImage or vmlinuz, with its modules or with none."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.errors import KernelError, UsageError
from harness.kernels import architectures
from harness.kernels import store as kernel_store
from harness.kernels.build.stale import release_of
from harness.kernels.image import Image
from harness.kernels.progress import Report

SUMMARY = "bzImage, vmlinuz or arm64's Image; FILE:MODULES names its modules"
EXAMPLES = ("./bzImage", "/boot/vmlinuz-6.1.0-56-amd64", "./bzImage:./root/lib/modules/6.1.0")


def claims(spec: str) -> bool:
    """A path: a name of a source that is not known is none."""
    path = spec.partition(":")[0]
    return path.startswith(("/", "./", "../")) and Path(path).is_file() and not path.endswith((".deb", ".rpm", ".tar"))


def provide(spec: str, report: Report) -> Image:
    """UsageError for what is no kernel, or has no such modules; KernelError for half an image, or another machine's."""
    path, _, modules = spec.partition(":")
    return of_file(spec, Path(path).absolute(), Path(modules).absolute() if modules else None, report)


def of_file(spec: str, path: Path, modules: Path | None, report: Report, linked: Path | None = None) -> Image:
    """`linked`: the same kernel, unpacked, where it lies beside it."""
    data = path.read_bytes()
    try:
        machine, release, version = architectures.recognised(data)
    except ValueError as error:
        other = architectures.another(data)
        if other is not None:
            raise KernelError(f"{path} cannot be started: it is for {other}, or not whole: {error}") from error
        raise UsageError(f"{path} is no kernel image: {error}", "name a bzImage, a vmlinuz or an Image") from error
    fault = architectures.of(machine).fault(data)
    if fault is not None:
        raise KernelError(f"{path} cannot be started: {fault}")
    digest = hashlib.sha256(data).hexdigest()

    def unpack(folder: Path) -> None:
        report(f"unpacking {path}")
        unpacked = architectures.of(machine).unpack(data)
        if unpacked is not None:
            (folder / "vmlinux").write_bytes(unpacked)

    starts_alone = (each for each in (linked, path) if each and architectures.of(machine).starts_alone(each))
    unpacked = next(starts_alone, None) or kernel_store.entry(f"image-{digest}", unpack) / "vmlinux"
    return Image(
        spec=spec,
        release=release,
        version=version,
        machine=machine,
        digest=digest,
        kernel=path,
        vmlinux=unpacked if unpacked.exists() else None,
        modules=_modules(path, release, modules),
    )


def _modules(path: Path, release: str, named: Path | None) -> Path | None:
    if named is not None:
        for folder in (named, named / "lib/modules" / release, named / "usr/lib/modules" / release):
            if (folder / "modules.dep").is_file():
                _check_release(folder, release)
                return folder
        raise UsageError(f"{named} holds no modules of {release}", "is there a modules.dep? depmod makes it")
    above = path.parent.parent
    for folder in (path.parent, above / "lib/modules" / release, above / "usr/lib/modules" / release):
        if (folder / "modules.dep").is_file():
            return folder
    return None


def _check_release(modules: Path, release: str) -> None:
    """KernelError where the modules that were named are those of another kernel: it would load none of them."""
    for module in sorted(modules.rglob("*.ko*")):
        built_for = release_of(module)
        if built_for not in (None, release):
            raise KernelError(f"{modules} has modules of {built_for}, and the kernel is {release}")
        return
