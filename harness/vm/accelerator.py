"""A probe for KVM: it starts a guest of three instructions, because /dev/kvm may exist and be useless.

Where the host is a guest itself, KVM may run those three and yet fail a real kernel.  Then the run goes on under TCG,
and the failure is remembered until this host is booted again.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

from harness.errors import MachineError
from harness.files import read_text, replace_file
from harness.kernels import architectures, store
from harness.linux import procfs

AUTO, KVM, TCG = "auto", "kvm", "tcg"
BOOT_S = 20.0
"""Under KVM, for a kernel to come to its init; it takes a second or two."""
_PATIENCE_S = 5.0


@cache
def kvm_works() -> bool:
    architecture = architectures.own()
    if architecture is None or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    with tempfile.NamedTemporaryFile() as file:
        file.write(architecture.FIRMWARE)
        file.flush()
        argv = probe(architecture, KVM, Path(file.name))
        try:
            ended = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
    return bool(ended.returncode == architecture.PROBE_STATUS)


def probe(architecture: ModuleType, accel: str, file: Path) -> tuple[str, ...]:
    """Ends with status PROBE_STATUS where that accelerator works.  `file` holds its FIRMWARE."""
    return (
        *(architecture.EMULATOR, "-no-user-config", "-nodefaults", "-display", "none"),
        *("-machine", architecture.BOARD),
        *("-accel", accel),
        *("-cpu", architecture.CPU),
        *("-bios", str(file)),
        *architecture.PROBE_OPTIONS,
    )


def accelerator(choice: str = AUTO) -> str:
    """Choose what runs a guest of this machine's architecture.

    Args:
        choice: KVM or TCG, which are taken; or AUTO.

    Returns:
        KVM or TCG.

    Raises:
        MachineError: KVM was asked for, and does not work at all.
    """
    if choice == TCG:
        return TCG
    if choice == KVM:
        if not kvm_works():
            raise MachineError("KVM does not work here", "leave --accel out, or choose tcg")
        return KVM
    return KVM if failure() is None and kvm_works() else TCG


def failure() -> str | None:
    """Why KVM failed a kernel since this host was booted; None where it did not."""
    try:
        found = json.loads(read_text(_record(), 1 << 12))
        if found["boot"] == procfs.boot_id():
            return str(found["why"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing was remembered, or it is nothing of ours
    return None


def remember_failure(why: str) -> None:
    """Take TCG from now on, until this host is booted again.  A cache that cannot be written to costs the next command
    another try.

    Args:
        why: what KVM did.
    """
    with contextlib.suppress(OSError):
        _record().parent.mkdir(parents=True, exist_ok=True)
        replace_file(_record(), json.dumps({"boot": procfs.boot_id(), "why": why}))


def forget_failure() -> None:
    """Try KVM again."""
    _record().unlink(missing_ok=True)


def _record() -> Path:
    return store.base().parent / "kvm-fails.json"
