"""QEMU as in the plain engine, but the folders over virtiofs: for kernels without 9p, as those for clouds are."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from harness.kernels.image import Image
from harness.vm import initramfs
from harness.vm.command import DIES_WITH_US, Command, Daemon
from harness.vm.engines import _qemu
from harness.vm.root import Root
from harness.vm.settings import Settings

SUMMARY = "the same with virtiofs in place of 9p: for kernels for clouds"
ORDER = 2
SHARE = initramfs.SHARE
END = "busybox reboot -f"
_MOUNTS = _qemu.Mounts(root=("virtiofs", "ro"), share=("virtiofs", "rw"))
_MODULES = ("virtio_pci", "virtiofs", "fuse")
_IN_RUST = ("/usr/libexec/virtiofsd", "/usr/lib/virtiofsd")
_IN_C = ("/usr/lib/qemu/virtiofsd",)
"""Up to QEMU 7.2; its options are others."""


def refusal(image: Image, settings: Settings) -> str | None:
    """Why this engine cannot start it; None where it can be tried."""
    del settings
    if (why := _qemu.refusal(image)) is not None:
        return why
    if daemon() is None:
        return "virtiofsd is not there (package virtiofsd, or qemu-system-common of Debian 12)"
    if os.geteuid() != 0:
        return "virtiofsd takes root"
    return None if initramfs.has(image, "virtiofs") else "this kernel has no virtiofs either"


def daemon() -> str | None:
    found = (*_IN_RUST, *_IN_C)
    return next((path for path in found if os.access(path, os.X_OK)), None) or shutil.which("virtiofsd")


def command(image: Image, settings: Settings, root: Root, share: Path, accelerator: str) -> Command:
    """Writes what it needs into `share`."""
    archive = _qemu.archive(image, settings, root, share, _qemu.modules(settings, *_MODULES), _MOUNTS)
    shown = share / "root"
    shown.mkdir()
    sockets = {tag: share / f"{tag}.socket" for tag in (initramfs.ROOT_TAG, initramfs.SHARE_TAG)}
    program = daemon()
    assert program is not None
    daemons = (
        Daemon(
            (*DIES_WITH_US, *_read_only(root.path, shown), *served(program, shown, sockets[initramfs.ROOT_TAG])),
            sockets[initramfs.ROOT_TAG],
        ),
        Daemon((*DIES_WITH_US, *served(program, share, sockets[initramfs.SHARE_TAG])), sockets[initramfs.SHARE_TAG]),
    )
    argv = _qemu.argv(image, settings, archive, accelerator, more="memory-backend=memory")
    return Command((*DIES_WITH_US, *argv, *devices(settings.memory_mib, sockets)), daemons)


def served(program: str, folder: Path, socket: Path) -> tuple[str, ...]:
    """Pure."""
    if program in _IN_C:
        return (
            program,
            f"--socket-path={socket}",
            "-o",
            f"source={folder}",
            "-o",
            "cache=always",
            "-o",
            "sandbox=chroot",
        )
    return (
        program,
        "--socket-path",
        str(socket),
        "--shared-dir",
        str(folder),
        "--cache",
        "always",
        "--sandbox",
        "none",
    )


def _read_only(root: Path, shown: Path) -> tuple[str, ...]:
    """The root at `shown` too, where nobody can write: whatever the guest's kernel does, it only reads."""
    script = 'mount --rbind "$0" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    return ("unshare", "--mount", "--", "sh", "-c", script, str(root), str(shown))


def devices(memory_mib: int, sockets: dict[str, Path]) -> tuple[str, ...]:
    """Pure."""
    memory = ("-object", f"memory-backend-memfd,id=memory,size={memory_mib}M,share=on")
    each = (
        (
            *("-chardev", f"socket,id={tag},path={_qemu.quoted(socket)}"),
            *("-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"),
        )
        for tag, socket in sockets.items()
    )
    return (*memory, *(word for words in each for word in words))
