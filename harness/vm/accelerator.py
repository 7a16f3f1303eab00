"""Whether KVM works here: found by starting a guest of three instructions, for /dev/kvm may be there and be useless.

It has the processor that a kernel gets: where the host is a guest itself, KVM may run simple code and yet fail there.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

KVM, TCG = "kvm", "tcg"
CPU = "max"
_CODE = bytes.fromhex("b02a e6f4 f4")
"""mov $0x2a, %al; out %al, $0xf4; hlt: leaves by isa-debug-exit."""
EXIT = (0x2A << 1) | 1
_FIRMWARE_SIZE = 65536
_RESET = 0xFFF0
"""Where an x86 processor begins, in its firmware's last 64 KiB."""
_PATIENCE_S = 5.0


def firmware() -> bytes:
    """Jumps from the reset vector to the code at its start (jmp rel16)."""
    jump = b"\xe9" + ((-_RESET - 3) & 0xFFFF).to_bytes(2, "little")
    image = _CODE.ljust(_RESET, b"\xf4") + jump
    return image.ljust(_FIRMWARE_SIZE, b"\xf4")


@cache
def kvm_works(emulator: str) -> bool:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    with tempfile.NamedTemporaryFile() as file:
        file.write(firmware())
        file.flush()
        argv = probe(emulator, KVM, Path(file.name))
        try:
            ended = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
    return ended.returncode == EXIT


def probe(emulator: str, accel: str, file: Path) -> tuple[str, ...]:
    """Ends with status EXIT where that accelerator works."""
    return (
        *(emulator, "-no-user-config", "-nodefaults", "-display", "none"),
        *("-machine", "q35"),
        *("-accel", accel),
        *("-cpu", CPU),
        *("-m", "8M"),
        *("-bios", str(file)),
        *("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
    )


def accelerator(emulator: str) -> str:
    return KVM if kvm_works(emulator) else TCG
