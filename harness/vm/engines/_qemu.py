"""The QEMU options that are common to the engines with an initramfs of our own."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from types import ModuleType

from harness.errors import MachineError
from harness.kernels import architectures
from harness.kernels.image import Image
from harness.record import record
from harness.vm import dump, initramfs, visible
from harness.vm.accelerator import TCG
from harness.vm.root import Root, busybox
from harness.vm.settings import Settings

_FAST_BOOT_ARGS = "random.trust_cpu=on cryptomgr.notests init_on_alloc=0"
"""A kernel that is not built to trust the processor's random numbers gathers entropy for a second, and Python's start
waits; Debian's tests its ciphers first and clears every page that it hands out: a tenth of an emulated run.
"""
_SANDBOX = ("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
_EMULATED_FAST_BOOT_ARGS = "mitigations=off"
"""An emulated processor speculates about nothing."""


def refusal(image: Image) -> str | None:
    """Why QEMU cannot start it here; None where it can be tried."""
    if image.machine not in architectures.known():
        return f"kernels for {image.machine} are not known here"
    architecture = architectures.of(image.machine)
    missing = [name for name in (architecture.EMULATOR, "busybox", "setpriv", "modprobe") if shutil.which(name) is None]
    if missing:
        return f"not there: {', '.join(missing)} ({packages(architecture)})"
    if not static(busybox()):
        return f"{busybox()} is not linked statically (package busybox-static)"
    return None


def packages(architecture: ModuleType) -> str:
    return f"packages {architecture.PACKAGE}, busybox-static, util-linux, kmod"


@record(frozen=True, slots=True)
class Mounts:
    """Type and options, of each of the guest's first two."""

    root: tuple[str, str]
    share: tuple[str, str]


def modules(settings: Settings, *names: str) -> tuple[str, ...]:
    """The modules that the guest loads: the engine's, and those for a dump."""
    return (*names, dump.MODULE) if settings.dump else names


def archive(
    image: Image, settings: Settings, root: Root, share: Path, modules: tuple[str, ...], mounts: Mounts
) -> Path:
    """The initramfs, in `share`."""
    if image.kernel is None:
        raise MachineError("the kernel that runs already is not started again")
    needed = visible.needed(settings.shown) if root.here else ()
    visible.check(needed)
    files = initramfs.module_files(image, modules)
    names = tuple(map(initramfs.plain_name, files))
    init = initramfs.script(names, mounts.root, mounts.share, visible.hidden(needed), root.busybox)
    return initramfs.build(share, init, files, root.outside(root.busybox))


def argv(
    image: Image, settings: Settings, archive: Path, accelerator: str, board: str = "", more: str = ""
) -> tuple[str, ...]:
    """Without the folders.  `board`: another than usual; `more`: properties of it."""
    here = architectures.of(image.machine)
    emulated = accelerator == TCG
    options = (
        _FAST_BOOT_ARGS,
        here.OPTIONS,
        *((_EMULATED_FAST_BOOT_ARGS, here.EMULATED_OPTIONS) if emulated else ()),
        settings.append,
    )
    return (
        *(here.EMULATOR, "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot", *sandbox(here.EMULATOR)),
        *("-machine", ",".join(filter(None, (board or here.BOARD, more)))),
        *("-accel", accelerator),
        *("-cpu", here.EMULATED_CPU if emulated else here.CPU),
        *("-smp", str(settings.cpus)),
        *("-m", f"{settings.memory_mib}M"),
        *("-serial", "mon:stdio" if settings.shell else "stdio"),
        *("-kernel", str(image.vmlinux or image.kernel)),
        *("-initrd", str(archive)),
        *(dump.devices(archive.parent) if settings.dump else ()),
        *("-append", " ".join((f"console={here.CONSOLE} quiet panic=-1", *filter(None, options)))),
    )


@cache
def sandbox(emulator: str) -> tuple[str, ...]:
    """The options by which QEMU gives up the system calls that it does not need (seccomp): a guest that has got the
    better of it can start no program and gain no rights.  None where this QEMU was built without."""
    argv = (emulator, *_SANDBOX, "-machine", "help")
    try:
        ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return _SANDBOX if ended.returncode == 0 else ()


def quoted(path: Path) -> str:
    """A path quoted as a value in a QEMU option."""
    return str(path).replace(",", ",,")


def static(program: Path) -> bool:
    """No interpreter is named in it: nothing else has to be there for it to run."""
    with program.open("rb") as stream:
        return b"/ld-" not in stream.read(4096)
