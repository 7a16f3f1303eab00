"""Whether KVM works here: found by starting a guest of three instructions, for /dev/kvm may be there and be useless.

It has the processor that a kernel gets: where the host is a guest itself, KVM may run simple code and yet fail there.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

from harness.kernels import architectures

KVM, TCG = "kvm", "tcg"
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


def accelerator() -> str:
    return KVM if kvm_works() else TCG
