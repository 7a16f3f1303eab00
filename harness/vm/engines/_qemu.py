"""What every engine asks of QEMU that starts it by itself, with our own initramfs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from harness.errors import MachineError
from harness.image import Image
from harness.vm import initramfs, seen
from harness.vm.accelerator import CPU, TCG
from harness.vm.settings import Settings

EMULATOR = "qemu-system-x86_64"
_SOONER = "random.trust_cpu=on cryptomgr.notests init_on_alloc=0"
"""A kernel that is not built to trust the processor's RDRAND gathers entropy for a second, and Python's start waits;
Debian's tests its ciphers first and clears every page that it hands out: a tenth of an emulated run.
"""
_EMULATED_CPU = f"{CPU},model=4,stepping=0,-erms,-fsrm,-smap,-smep,-la57,-pku"
"""Without what makes an emulator slow: a kernel copies and clears pages with `rep movsq` on every processor that is
said to be good at it (X86_FEATURE_REP_GOOD, ERMS), as the first K8s are not (init_amd_k8()), and TCG does that word by
word; SMAP opens and closes a guard at each access to user memory; LA57 is a fifth level of page tables to walk.
"""
_EMULATED_SOONER = "nolapic_timer noreplace-smp mitigations=off"
"""The local APIC's timer is measured for 0.1 s, and where there is no ACPI that measurement checked for as long
(calibrate_APIC_clock()); for one processor some 9,000 lock prefixes are patched away, each through a mapping of its own
(alternatives_smp_unlock()); an emulated processor speculates about nothing.
"""
_PACKAGES = "packages qemu-system-x86, busybox-static, util-linux, kmod"


def refusal(image: Image) -> str | None:
    """Why QEMU cannot start it here; None where it can be tried."""
    if image.machine != "x86_64" or os.uname().machine != "x86_64":
        return f"it starts x86_64 kernels on x86_64 machines only, not {image.machine} on {os.uname().machine}"
    missing = [name for name in (EMULATOR, "busybox", "setpriv", "modprobe") if shutil.which(name) is None]
    if missing:
        return f"not there: {', '.join(missing)} ({_PACKAGES})"
    if not static(busybox()):
        return f"{busybox()} is not linked statically (package busybox-static)"
    return None


def archive(
    image: Image, share: Path, modules: tuple[str, ...], root: tuple[str, str], shared: tuple[str, str]
) -> Path:
    """The initramfs, in `share`.  `root`, `shared`: type and options of the mounts."""
    if image.kernel is None:
        raise MachineError("the kernel that runs already is not started again")
    seen.check(seen.needed())
    files = initramfs.module_files(image, modules)
    names = tuple(map(initramfs.plain_name, files))
    init = initramfs.script(names, root, shared, seen.hidden(seen.needed()), busybox())
    return initramfs.build(share, init, files, busybox())


def argv(image: Image, settings: Settings, archive: Path, accelerator: str, machine: str = "q35") -> tuple[str, ...]:
    """Without the folders.  Pure."""
    emulated = accelerator == TCG
    sooner = f"{_SOONER} {_EMULATED_SOONER}" if emulated else _SOONER
    return (
        *(EMULATOR, "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot"),
        *("-machine", machine),
        *("-accel", accelerator),
        *("-cpu", _EMULATED_CPU if emulated else CPU),
        *("-smp", str(settings.cpus)),
        *("-m", f"{settings.memory_mib}M"),
        *("-serial", "mon:stdio" if settings.shell else "stdio"),
        *("-kernel", str(image.vmlinux or image.kernel)),
        *("-initrd", str(archive)),
        *("-append", f"console=ttyS0 quiet panic=-1 reboot=t {sooner} {settings.append}"),
    )


def quoted(path: Path) -> str:
    """As a value in an option of QEMU."""
    return str(path).replace(",", ",,")


def busybox() -> Path:
    return Path(str(shutil.which("busybox"))).resolve()


def static(program: Path) -> bool:
    """No interpreter is named in it: nothing else has to be there for it to run."""
    with program.open("rb") as stream:
        return b"/ld-" not in stream.read(4096)
