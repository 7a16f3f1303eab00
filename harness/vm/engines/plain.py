"""QEMU alone: an own initramfs, the host's root over 9p.  Boots what it can boot in a third of the time."""

from __future__ import annotations

from pathlib import Path

from harness.kernels.image import Image
from harness.vm import initramfs
from harness.vm.command import DIES_WITH_US, Command
from harness.vm.engines import _qemu
from harness.vm.root import Root
from harness.vm.settings import Settings

SUMMARY = "QEMU with an initramfs of its own"
ORDER = 1
UNPRIVILEGED = True
"""QEMU reads the files that the guest sees, and no other program."""
SHARE = initramfs.SHARE
END = "busybox reboot -f"
_9P = "trans=virtio,version=9p2000.L,msize=512000"
MOUNTS = _qemu.Mounts(root=("9p", f"ro,cache=loose,{_9P}"), share=("9p", f"rw,{_9P}"))
_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "fuse")


def refusal(image: Image, settings: Settings) -> str | None:
    """Why this engine cannot start it; None where it can be tried."""
    del settings
    if (why := _qemu.refusal(image)) is not None:
        return why
    return None if initramfs.has(image, "9p") else "this kernel has no 9p: it cannot mount the host's root"


def command(image: Image, settings: Settings, root: Root, share: Path, accelerator: str) -> Command:
    """Writes what it needs into `share`."""
    archive = _qemu.archive(image, settings, root, share, _qemu.modules(settings, *_MODULES), MOUNTS)
    argv = _qemu.argv(image, settings, archive, accelerator)
    return Command((*DIES_WITH_US, *argv, *folders(root.path, share)))


def folders(root: Path, share: Path, bus: str = "pci") -> tuple[str, ...]:
    """`bus`: what QEMU's names of the devices end in.  Pure."""
    quoted = _qemu.quoted(root)
    return (
        *("-fsdev", f"local,id=root,path={quoted},security_model=none,readonly=on,multidevs=remap"),
        *("-device", f"virtio-9p-{bus},fsdev=root,mount_tag={initramfs.ROOT_TAG}"),
        *("-fsdev", f"local,id=share,path={_qemu.quoted(share)},security_model=none"),
        *("-device", f"virtio-9p-{bus},fsdev=share,mount_tag={initramfs.SHARE_TAG}"),
    )
