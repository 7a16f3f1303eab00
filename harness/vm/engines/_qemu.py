"""What every engine asks of QEMU that starts it by itself, with our own initramfs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import ModuleType

from harness import architectures
from harness.errors import MachineError
from harness.image import Image
from harness.vm import initramfs, seen
from harness.vm.accelerator import TCG
from harness.vm.settings import Settings

_SOONER = "random.trust_cpu=on cryptomgr.notests init_on_alloc=0"
"""A kernel that is not built to trust the processor's random numbers gathers entropy for a second, and Python's start
waits; Debian's tests its ciphers first and clears every page that it hands out: a tenth of an emulated run.
"""
_EMULATED_SOONER = "mitigations=off"
"""An emulated processor speculates about nothing."""
ELSEWHERE = "this machine's root is of {root}, and a kernel for {kernel} cannot run it"


def refusal(image: Image) -> str | None:
    """Why QEMU cannot start it here; None where it can be tried."""
    architecture = architectures.own()
    if architecture is None or image.machine != os.uname().machine:
        return ELSEWHERE.format(root=os.uname().machine, kernel=image.machine)
    missing = [name for name in (architecture.EMULATOR, "busybox", "setpriv", "modprobe") if shutil.which(name) is None]
    if missing:
        return f"not there: {', '.join(missing)} ({packages(architecture)})"
    if not static(busybox()):
        return f"{busybox()} is not linked statically (package busybox-static)"
    return None


def packages(architecture: ModuleType) -> str:
    return f"packages {architecture.PACKAGE}, busybox-static, util-linux, kmod"


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


def argv(
    image: Image, settings: Settings, archive: Path, accelerator: str, board: str = "", more: str = ""
) -> tuple[str, ...]:
    """Without the folders.  `board`: another than usual; `more`: properties of it.  Pure."""
    here = architectures.of(image.machine)
    emulated = accelerator == TCG
    options = (_SOONER, here.OPTIONS, *((_EMULATED_SOONER, here.EMULATED_OPTIONS) if emulated else ()), settings.append)
    return (
        *(here.EMULATOR, "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot"),
        *("-machine", ",".join(filter(None, (board or here.BOARD, more)))),
        *("-accel", accelerator),
        *("-cpu", here.EMULATED_CPU if emulated else here.CPU),
        *("-smp", str(settings.cpus)),
        *("-m", f"{settings.memory_mib}M"),
        *("-serial", "mon:stdio" if settings.shell else "stdio"),
        *("-kernel", str(image.vmlinux or image.kernel)),
        *("-initrd", str(archive)),
        *("-append", " ".join((f"console={here.CONSOLE} quiet panic=-1", *filter(None, options)))),
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
