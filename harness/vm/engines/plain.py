"""QEMU alone: an own initramfs, the host's root over 9p.  Boots what it can boot in a third of the time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from harness.errors import MachineError
from harness.image import Image
from harness.vm import initramfs, seen
from harness.vm.accelerator import CPU
from harness.vm.command import Command
from harness.vm.settings import Settings

SUMMARY = "QEMU with an initramfs of its own: the fastest, for x86-64"
ORDER = 1
EMULATOR = "qemu-system-x86_64"
SHARE = initramfs.SHARE
END = "busybox reboot -f"
_9P = ("9p", "trans=virtio,version=9p2000.L,msize=512000")
_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "fuse")


def refusal(image: Image, settings: Settings) -> str | None:
    """Why this engine cannot start it; None where it can be tried."""
    del settings
    if image.machine != "x86_64" or os.uname().machine != "x86_64":
        return f"it starts x86_64 kernels on x86_64 machines only, not {image.machine} on {os.uname().machine}"
    missing = [name for name in (EMULATOR, "busybox", "setpriv", "modprobe") if shutil.which(name) is None]
    if missing:
        return f"not there: {', '.join(missing)} (packages qemu-system-x86, busybox-static, util-linux, kmod)"
    if not static(busybox()):
        return f"{busybox()} is not linked statically (package busybox-static)"
    if image.modules is not None and not initramfs.module_files(image, ("9p",)) and not _built_in(image, "9p"):
        return "this kernel has no 9p: it cannot mount the host's root"
    return None


def command(image: Image, settings: Settings, share: Path, accelerator: str) -> Command:
    """Writes what it needs into `share`."""
    if image.kernel is None:
        raise MachineError("the kernel that runs already is not started again")
    seen.check(seen.needed())
    modules = initramfs.module_files(image, _MODULES)
    init = initramfs.script(
        tuple(map(initramfs.plain_name, modules)),
        (_9P[0], f"ro,cache=loose,{_9P[1]}"),
        (_9P[0], f"rw,{_9P[1]}"),
        seen.hidden(seen.needed()),
        busybox(),
    )
    archive = initramfs.build(share, init, modules, busybox())
    return Command((*_dies_with_us(), *argv(image, settings, share, archive, accelerator)))


def argv(image: Image, settings: Settings, share: Path, archive: Path, accelerator: str) -> tuple[str, ...]:
    """Pure."""
    return (
        *(EMULATOR, "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot"),
        *("-machine", "q35"),
        *("-accel", accelerator),
        *("-cpu", CPU),
        *("-smp", str(settings.cpus)),
        *("-m", f"{settings.memory_mib}M"),
        *("-serial", "stdio"),
        *("-kernel", str(image.vmlinux or image.kernel)),
        *("-initrd", str(archive)),
        *("-append", "console=ttyS0 quiet panic=-1 reboot=t"),
        *("-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"),
        *("-device", f"virtio-9p-pci,fsdev=root,mount_tag={initramfs.ROOT_TAG}"),
        *("-fsdev", f"local,id=share,path={str(share).replace(',', ',,')},security_model=none"),
        *("-device", f"virtio-9p-pci,fsdev=share,mount_tag={initramfs.SHARE_TAG}"),
    )


def _dies_with_us() -> tuple[str, ...]:
    """However this process ends, the emulator does not outlive it."""
    return ("setpriv", "--pdeathsig", "KILL", "--")


def busybox() -> Path:
    return Path(str(shutil.which("busybox"))).resolve()


def static(program: Path) -> bool:
    """No interpreter is named in it: nothing else has to be there for it to run."""
    with program.open("rb") as stream:
        return b"/ld-" not in stream.read(4096)


def _built_in(image: Image, name: str) -> bool:
    if image.modules is None:
        return True
    listed = image.modules / "modules.builtin"
    return listed.exists() and any(line.endswith(f"/{name}.ko") for line in listed.read_text().splitlines())
