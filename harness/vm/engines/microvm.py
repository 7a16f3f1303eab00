"""QEMU's machine without PCI and firmware tables, whose devices stand on the kernel's command line: boots a kernel that
has all built in, as one made for a bisect, in two thirds of the time."""

from __future__ import annotations

from pathlib import Path

from harness.kernels.image import Image
from harness.vm import initramfs
from harness.vm.command import DIES_WITH_US, Command
from harness.vm.engines import _qemu, plain
from harness.vm.root import Root
from harness.vm.settings import Settings

SUMMARY = "QEMU's microvm: faster still, for kernels with all built in"
ORDER = 0
UNPRIVILEGED = True
SHARE = initramfs.SHARE
END = plain.END
SECOND = "plain"
"""The engine for the second boot: an emulator may be built without this machine."""
_MACHINE = "microvm,acpi=off,pic=on,pit=on,isa-serial=on"
"""Without the PIT the kernel finds no frequency for its TSC, and hangs in looking for it."""
_PARAMETER = "virtio_mmio.device"
"""Needs CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES, built in: without it the kernel finds none of its devices."""
_MODULES = ("9pnet_virtio", "9p", "fuse")


def refusal(image: Image, settings: Settings) -> str | None:
    """Why this engine cannot start it; None where it can be tried."""
    if (why := plain.refusal(image, settings)) is not None:
        return why
    if image.machine != "x86_64":
        return "it is a machine for x86-64"
    if image.vmlinux is None:
        return "its image could not be unpacked, or has no entry for such a machine (CONFIG_PVH)"
    if not initramfs.built_in(image, "virtio_mmio") or not _has_parameter(image.vmlinux, _PARAMETER):
        return f"this kernel takes no {_PARAMETER} (CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES)"
    return None


def command(image: Image, settings: Settings, root: Root, share: Path, accelerator: str) -> Command:
    """Writes what it needs into `share`."""
    archive = _qemu.archive(image, settings, root, share, _qemu.modules(settings, *_MODULES), plain.MOUNTS)
    argv = _qemu.argv(image, settings, archive, accelerator, _MACHINE)
    return Command((*DIES_WITH_US, *argv, *plain.folders(root.path, share, "device")))


def _has_parameter(elf: Path, name: str) -> bool:
    """True if that kernel has a parameter of a built-in module (module_param())."""
    import mmap

    with elf.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(name.encode() + b"\0") >= 0
