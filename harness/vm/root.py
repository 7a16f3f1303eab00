"""The guest's root file system: this machine's, or a small Debian for a kernel of another architecture.

The small one is put together from packages that are unpacked and never set up, so nothing of it has to run here.  It
has the same Python, for which the modules of a run are compiled here.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.errors import MachineError
from harness.kernels import apt, architectures
from harness.kernels import store as kernel_store
from harness.kernels.progress import Report
from harness.kernels.sources import deb
from harness.record import record
from harness.vm import visible

_SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}
"""Debian's, by their Python."""
_PACKAGES = (
    *("base-files", "busybox-static", "libc6"),
    *("python3-prctl", "python3-psutil", "python3-rich"),
)
_LIBFUSE: dict[int, dict[str, str]] = {2: {}, 3: {"bookworm": "libfuse3-3", "trixie": "libfuse3-4"}}
"""The package of libfuse, by its major version and the suite, where it is not libfuse2."""
_DOCUMENTS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl", "usr/lib/*/perl*")
_BROUGHT = ("harness", "fakefs", "scenarios")


@record(frozen=True, slots=True)
class Root:
    path: Path
    """Here."""
    python: Path
    """There."""
    busybox: Path
    """There, linked statically."""

    @property
    def here(self) -> bool:
        """True if it is this machine's own root."""
        return self.path == Path("/")

    def outside(self, path: Path) -> Path:
        """The path on this machine of a path in the root."""
        return self.path / path.relative_to("/")


def own() -> Root:
    return Root(Path("/"), Path(sys.executable), busybox())


def busybox() -> Path:
    """This machine's."""
    return Path(str(shutil.which("busybox"))).resolve()


def of(machine: str, report: Report) -> Root:
    """Fetched once where it is not this machine's.  MachineError where there is none with this Python."""
    there = architectures.of(machine)
    if there is architectures.own():
        return own()
    version = sys.version_info[:2]
    if version not in _SUITES:
        known = " or ".join(f"{major}.{minor}" for major, minor in _SUITES)
        raise MachineError(
            f"a kernel for {machine} runs below Debian's Python {known}, this is {version[0]}.{version[1]}",
            "make the environment with one of those: FUSEZAP_PYTHON=python3.11 ./fusezap",
        )
    path = _made(_SUITES[version], there.DEBIAN, report)
    return Root(path, Path("/usr/bin/python{}.{}".format(*version)), Path("/bin/busybox"))


def _made(suite: str, architecture: str, report: Report) -> Path:
    packages = (*_PACKAGES, _LIBFUSE[_binding().major].get(suite, "libfuse2"))
    # A hash of the packages: an entry that was made of another list is not used.
    kind = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:8]
    name = f"root-{suite}-{architecture}-{kind}"
    found = kernel_store.found(name)
    if found is not None:
        return found
    try:
        archive = apt.suite(suite, report, architecture)
        files = archive.files(archive.closure(*packages))
    except MachineError as error:
        raise MachineError(f"no root for {architecture} can be had", str(error)) from error

    def unpack(folder: Path) -> None:
        with archive.downloaded(files, report) as paths:
            report(f"unpacking {len(paths)} packages of {suite} for {architecture}")
            for path in sorted(paths, key=lambda path: not path.name.startswith("base-files_")):
                deb.extract(path, folder)
        _complete(folder)

    with archive.alone():
        return kernel_store.entry(name, unpack)


def _complete(root: Path) -> None:
    """Add what its setup would add and a guest needs: folders to mount on, and programs, of busybox where no package
    has them.  This machine's busybox lists the programs that it has."""
    for pattern in _DOCUMENTS:
        for folder in root.glob(pattern):
            shutil.rmtree(folder)
    for name in ("dev", "proc", "run", "sys", "tmp", "var/tmp", "root"):
        (root / name).mkdir(parents=True, exist_ok=True)
    listed = subprocess.run([busybox(), "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in listed:
        if not any((root / folder / name).exists() for folder in ("bin", "sbin", "usr/bin", "usr/sbin")):
            (root / "bin" / name).symlink_to("busybox")


def _binding() -> Any:
    """The binding to libfuse of this machine, which the guest uses as well."""
    return importlib.import_module("fakefs.binding").load()


def bring_sources(folder: Path) -> None:
    """Into `folder`, for a guest that does not see the checkout: programs of a run that are executed are read there."""
    for name in _BROUGHT:
        shutil.copytree(visible.CHECKOUT / name, folder / name)
    shutil.copy2(str(_binding().module.__file__), folder)
