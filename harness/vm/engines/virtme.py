"""virtme-ng: for what the plain engine refuses.  It has an init of its own, and takes the root by 9p or virtiofs."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from harness.errors import MachineError
from harness.kernels import architectures
from harness.kernels.image import Image
from harness.vm import initramfs, visible, wire
from harness.vm.accelerator import TCG
from harness.vm.command import DIES_WITH_US, Command
from harness.vm.engines import _qemu
from harness.vm.root import Root
from harness.vm.settings import Settings

SUMMARY = "virtme-ng: slower to boot, and takes kernels without 9p"
ORDER = 3
SHARE = "/run/fusezap-vm"
END = "exit 0"
_NEEDED = ("virtme-run", "busybox", "modprobe", "depmod", "setpriv", "unshare")


def refusal(image: Image, settings: Settings) -> str | None:
    """Why this engine cannot start it; None where it can be tried."""
    architecture = architectures.own()
    if architecture is None or image.machine != os.uname().machine:
        return f"it takes kernels of this machine's architecture, not for {image.machine}"
    # By it virtme-ng finds out an image's version; of an arm64 image, file(1) does not tell.
    tells_version = "file" if image.machine == "x86_64" and _there("file") else "strings"
    missing = [name for name in (architecture.EMULATOR, *_NEEDED, tells_version) if not _there(name)]
    if _vng() is None:
        return "virtme-ng is not there: install fusezap[virtme], or the package virtme-ng"
    if missing:
        return f"not there: {', '.join(missing)} ({_qemu.packages(architecture)}, binutils)"
    if settings.dump:
        return "its monitor is not reached: --dump takes an engine of fusezap's own"
    if settings.shell:
        return "its console is not for a person: --shell takes the plain engine"
    return None


def command(image: Image, settings: Settings, root: Root, share: Path, accelerator: str) -> Command:
    """Writes what it needs into `share`."""
    del root  # it takes this machine's by itself
    if image.kernel is None:
        raise MachineError("the kernel that runs already is not started again")
    shown = visible.needed(settings.shown)
    visible.check(shown)
    kernel = _laid_out(image, share / "root")
    run = f": >{SHARE}/{wire.REACHED_INIT}; modprobe -a fuse cuse; exec sh {SHARE}/start"
    return Command(
        (
            *DIES_WITH_US,
            *("unshare", *_unprivileged(), "--pid", "--fork", "--kill-child", "--"),
            *("env", f"PATH={_path()}", str(_vng()), "--verbose", "--run", str(kernel)),
            *("--cpus", str(settings.cpus), "--memory", f"{settings.memory_mib}M", "--user", "root", "--cwd", "/"),
            *(("--disable-kvm",) if accelerator == TCG else ()),
            *(("--force-9p",) if initramfs.has(image, "9p") else ()),
            *(f"--rodir={path}={path}" for path in visible.hidden(shown)),
            *(f"--rwdir={SHARE}={share}", "--append", f"panic=-1 {settings.append}", "--exec", run),
        )
    )


def _laid_out(image: Image, root: Path) -> Path:
    """Below `root` as a system has it: by that virtme-ng finds the modules of a kernel."""
    assert image.kernel is not None
    (root / "boot").mkdir(parents=True)
    kernel = root / "boot" / f"vmlinuz-{image.release}"
    shutil.copyfile(image.kernel, kernel)
    if image.modules is not None:
        (root / "lib/modules").mkdir(parents=True)
        (root / "lib/modules" / image.release).symlink_to(image.modules)
    return kernel


def _vng() -> str | None:
    return shutil.which("vng", path=_path())


def _there(program: str) -> bool:
    return shutil.which(program, path=_path()) is not None


def _path() -> str:
    """PATH with the programs of our own environment, because virtme-ng calls others of its own."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


def _unprivileged() -> tuple[str, ...]:
    return () if os.geteuid() == 0 else ("--user", "--map-current-user")
