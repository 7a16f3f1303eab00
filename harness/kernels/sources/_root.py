"""A root file system that holds a kernel, as packages and images of containers have it: found, and cut down to what a
run can need."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from harness.errors import MachineError, UsageError

WANTED = (
    *("fuse", "cuse", "virtiofs", "overlay"),
    *("9p", "9pnet_virtio", "virtio_pci", "virtio_mmio", "virtio_console", "virtio_blk", "virtio_net"),
    "qemu_fw_cfg",  # tells QEMU what a dump needs (harness/vm/dump.py)
)
"""Modules that a run or an engine may load; what they depend on is kept too."""


KEPT = hashlib.sha256(" ".join(WANTED).encode()).hexdigest()[:8]
"""Names what is kept: part of an entry's name, so that none of an older list is taken."""


def located(root: Path) -> Path:
    """Itself, or the one below it: Cilium's images of kernels have it in `/data/kernels/NAME`."""
    if images(root):
        return root
    top = root.resolve()
    # A link in its place would lead to the host's own kernels, and what is not wanted is removed there.
    real = (each for each in root.glob("data/kernels/*") if each.resolve() == top / each.relative_to(root))
    below = [each for each in real if images(each)]
    return below[0] if len(below) == 1 else root


def images(root: Path) -> dict[str, Path]:
    """The folders of modules, by release: Debian's, and that of Fedora and of the `usr` merge."""
    found = _inside(root, "boot/vmlinuz-*", "lib/modules/*/vmlinuz", "usr/lib/modules/*/vmlinuz")
    return {path.parent.name if path.name == "vmlinuz" else path.name.removeprefix("vmlinuz-"): path for path in found}


def modules(root: Path, release: str) -> Path | None:
    """None where it has no file of a module."""
    for folder in _inside(root, f"lib/modules/{release}", f"usr/lib/modules/{release}"):
        if any(files(folder)):
            return folder
    return None


def config(root: Path, release: str) -> Path | None:
    found = _inside(
        root, f"boot/config-{release}", f"lib/modules/{release}/config", f"usr/lib/modules/{release}/config"
    )
    return next(found, None)


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.ko*") if path.is_file())


def complete(root: Path, what: str, hint: str) -> None:
    """Refuses half of a kernel, and cuts it down.  UsageError, with `hint`, says what `what` lacks."""
    found = images(root)
    if not found:
        raise UsageError(f"{what} has no image of a kernel", hint)
    if len(found) > 1:
        raise UsageError(f"{what} has several kernels: {', '.join(sorted(found))}", "unpack it and name one")
    (release,) = found
    kept = {found[release], config(root, release)}
    folder = modules(root, release)
    if folder is None and not needs_none(config(root, release)):
        raise UsageError(f"{what} has no modules", hint)
    if folder is not None:
        depend(folder)
        kept |= _wanted(folder)
    _cut_down(root, kept)
    if folder is not None:
        depend(folder)


def needs_none(config: Path | None) -> bool:
    """True if everything is built in; False without a configuration."""
    if config is None:
        return False
    try:
        return not re.search("=m$", config.read_text("utf-8"), re.M)
    except UnicodeDecodeError as error:
        raise UsageError(f"{config.name} is no configuration of a kernel: it is no text in UTF-8") from error


def _inside(root: Path, *patterns: str) -> Iterator[Path]:
    """Files that are there, without links: one that leads out of the folder, as an image may have, is left out."""
    top = root.resolve()
    found = (path.resolve() for pattern in patterns for path in root.glob(pattern))
    return (path for path in dict.fromkeys(found) if path.is_relative_to(top) and path.exists())


def depend(folder: Path) -> None:
    """Writes what depends on what, of `…/lib/modules/RELEASE`."""
    _run(["depmod", "--basedir", str(folder.parents[2]), folder.name])


def _wanted(folder: Path) -> set[Path]:
    """Files; what is built in, or not there at all, has none."""
    base = ("--dirname", str(folder.parents[2]), "--set-version", folder.name)
    shown = _run(["modprobe", *base, "--show-depends", "--all", *WANTED], may_fail=True)
    wanted = {Path(line.split()[1]).resolve() for line in shown.splitlines() if line.startswith("insmod ")}
    return wanted | {path for path in folder.iterdir() if path.name.startswith("modules.")}


def _cut_down(root: Path, kept: set[Path | None]) -> None:
    """A package of 300 MB holds some 2 MB of modules that matter."""
    for path in sorted(root.resolve().rglob("*"), reverse=True):
        if path.is_symlink() or not path.is_dir():
            if path not in kept:
                path.unlink()
        elif not any(path.iterdir()):
            path.rmdir()


def _run(argv: list[str], may_fail: bool = False) -> str:
    try:
        ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise MachineError(f"{argv[0]} is not there", "install kmod") from error
    if ended.returncode and not may_fail:
        raise MachineError(f"{argv[0]} failed", ended.stderr.strip()[-300:])
    return ended.stdout
