"""QEMU alone: an own initramfs, the host's root over 9p.  Boots what it can boot in a third of the time."""

from __future__ import annotations

from pathlib import Path

from harness.image import Image
from harness.vm import initramfs
from harness.vm.command import DIES_WITH_US, Command
from harness.vm.engines import _qemu
from harness.vm.settings import Settings

SUMMARY = "QEMU with an initramfs of its own"
ORDER = 1
SHARE = initramfs.SHARE
END = "busybox reboot -f"
_9P = "trans=virtio,version=9p2000.L,msize=512000"
_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "fuse")


def refusal(image: Image, settings: Settings) -> str | None:
    """Why this engine cannot start it; None where it can be tried."""
    del settings
    if (why := _qemu.refusal(image)) is not None:
        return why
    return None if initramfs.has(image, "9p") else "this kernel has no 9p: it cannot mount the host's root"


def command(image: Image, settings: Settings, share: Path, accelerator: str) -> Command:
    """Writes what it needs into `share`."""
    argv = _qemu.argv(image, settings, archive(image, share, _MODULES), accelerator)
    return Command((*DIES_WITH_US, *argv, *folders(share)))


def archive(image: Image, share: Path, modules: tuple[str, ...]) -> Path:
    """The initramfs, in `share`."""
    return _qemu.archive(image, share, modules, ("9p", f"ro,cache=loose,{_9P}"), ("9p", f"rw,{_9P}"))


def folders(share: Path, bus: str = "pci") -> tuple[str, ...]:
    """`bus`: what QEMU's names of the devices end in.  Pure."""
    return (
        *("-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"),
        *("-device", f"virtio-9p-{bus},fsdev=root,mount_tag={initramfs.ROOT_TAG}"),
        *("-fsdev", f"local,id=share,path={_qemu.quoted(share)},security_model=none"),
        *("-device", f"virtio-9p-{bus},fsdev=share,mount_tag={initramfs.SHARE_TAG}"),
    )
