"""A root file system that holds a kernel, as packages and images of containers have it: found, and cut down to what a
run can need."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from harness.errors import MachineError, UsageError

WANTED = (
    *("fuse", "cuse", "virtiofs", "overlay"),
    *("9p", "9pnet_virtio", "virtio_pci", "virtio_mmio", "virtio_console", "virtio_blk", "virtio_net"),
)
"""Modules that a run or an engine may load; what they depend on is kept too."""


def images(root: Path) -> tuple[Path, ...]:
    """Debian's place, and that of Fedora and of the `usr` merge."""
    found = (
        *root.glob("boot/vmlinuz-*"),
        *root.glob("lib/modules/*/vmlinuz"),
        *root.glob("usr/lib/modules/*/vmlinuz"),
    )
    return tuple(path for path in dict.fromkeys(found) if not path.is_symlink())


def modules(root: Path, release: str = "*") -> Path | None:
    for folder in (*root.glob(f"lib/modules/{release}"), *root.glob(f"usr/lib/modules/{release}")):
        if any(_files(folder)):
            return folder
    return None


def complete(root: Path, what: str, hint: str) -> None:
    """Refuses half of a kernel.  UsageError, with `hint`, says what `what` lacks."""
    if not images(root):
        raise UsageError(f"{what} has no image of a kernel", hint)
    folder = modules(root)
    if folder is None:
        raise UsageError(f"{what} has no modules", hint)
    _depend(folder)
    _cut_down(root, folder)
    _depend(folder)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.ko*") if path.is_file())


def _depend(folder: Path) -> None:
    """Writes what depends on what."""
    _run(["depmod", "--basedir", str(_base(folder)), folder.name])


def _base(folder: Path) -> Path:
    """Of `…/lib/modules/RELEASE`."""
    return folder.parents[2]


def _cut_down(root: Path, folder: Path) -> None:
    """A package of 300 MB holds some 2 MB of modules that matter."""
    shown = _run(
        ["modprobe", "--dirname", str(_base(folder)), "--set-version", folder.name, "--show-depends", "--all", *WANTED],
        may_fail=True,
    )
    wanted = {Path(line.split()[1]).resolve() for line in shown.splitlines() if line.startswith("insmod ")}
    kept = {*wanted, *(image.resolve() for image in images(root)), *root.glob("boot/config-*"), folder / "config"}
    kept |= {path for path in folder.iterdir() if path.name.startswith("modules.")}
    for path in sorted(root.rglob("*"), reverse=True):
        if path == folder or path in folder.parents:
            continue
        if path.is_symlink() or not path.is_dir():
            if path not in kept and path.resolve() not in kept:
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
