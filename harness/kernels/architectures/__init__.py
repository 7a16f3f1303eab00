"""Differences between machine architectures: the form of an image, and QEMU's arguments.  One file each,
named as `uname -m` says."""

from __future__ import annotations

import os
import sys
from functools import cache
from types import ModuleType

from harness import registry

NEEDED = (
    *("DEBIAN", "IMAGES", "names", "unpack", "fault", "starts_alone"),
    *("EMULATOR", "PACKAGE", "BOARD", "CPU", "EMULATED_CPU", "CONSOLE", "OPTIONS", "EMULATED_OPTIONS"),
    *("FIRMWARE", "PROBE_OPTIONS", "PROBE_STATUS"),
)


@cache
def own() -> ModuleType | None:
    """The architecture of this machine; None if there is no file for it."""
    machine = os.uname().machine
    return of(machine) if machine in known() else None


def of(machine: str) -> ModuleType:
    return registry.module(sys.modules[__name__], machine, *NEEDED)


def known() -> tuple[str, ...]:
    return tuple(name.replace("-", "_") for name in registry.names(sys.modules[__name__]))


def debian_names() -> frozenset[str]:
    """Debian's names of the architectures."""
    return frozenset(of(machine).DEBIAN for machine in known())


_ELF_MACHINES = {
    3: "i386",
    8: "MIPS",
    20: "PowerPC",
    21: "PowerPC64",
    22: "s390",
    40: "arm",
    43: "SPARC",
    62: "x86_64",
    183: "aarch64",
    243: "RISC-V",
    258: "LoongArch",
}
"""The numbers of e_machine (include/uapi/linux/elf-em.h)."""
_MARKS = {0x24: (b"\x18\x28\x6f\x01", "arm"), 0x38: (b"RSC\x05", "RISC-V")}
"""Offset, mark and machine, of images that are no ELF file (arch/arm/boot/compressed/head.S,
Documentation/arch/riscv/boot-image-header.rst)."""


def another(data: bytes) -> str | None:
    """The machine that an image is for, where no file is here for it or the file is no whole image.

    Args:
        data: of a file that `recognised` refuses.

    Returns:
        The name; None for what is no kernel of any machine known by its header.
    """
    if data[:4] == b"\x7fELF" and len(data) >= 20:
        number = int.from_bytes(data[18:20], "big" if data[5] == 2 else "little")
        return _ELF_MACHINES.get(number, f"machine {number} of the ELF format")
    return next((name for at, (mark, name) in _MARKS.items() if data[at : at + 4] == mark), None)


def recognised(data: bytes) -> tuple[str, str, str]:
    """Read a kernel's image: machine, `uname -r` and, if the image has it, `uname -v`.

    ValueError for what is no image of a kernel that is known here.
    """
    for machine in known():
        found = of(machine).names(data)
        if found is not None:
            return machine, *found
    raise ValueError(f"it is no kernel for {' or '.join(known())}, by its header")
