"""What differs between the machines that kernels are for: the form of an image, and how QEMU is one.  One file each,
named as `uname -m` says."""

from __future__ import annotations

import os
import sys
from functools import cache
from types import ModuleType

from harness import registry

NEEDED = (
    *("DEBIAN", "IMAGES", "names", "unpack", "starts_alone"),
    *("EMULATOR", "PACKAGE", "BOARD", "CPU", "EMULATED_CPU", "CONSOLE", "OPTIONS", "EMULATED_OPTIONS"),
    *("FIRMWARE", "PROBE_OPTIONS", "PROBE_STATUS"),
)


@cache
def own() -> ModuleType | None:
    """Of the machine that we run on; None where there is no file for it."""
    machine = os.uname().machine
    return of(machine) if machine in known() else None


def of(machine: str) -> ModuleType:
    return registry.module(sys.modules[__name__], machine, *NEEDED)


def known() -> tuple[str, ...]:
    return tuple(name.replace("-", "_") for name in registry.names(sys.modules[__name__]))


def debian_names() -> frozenset[str]:
    """What Debian calls them."""
    return frozenset(of(machine).DEBIAN for machine in known())


def recognised(data: bytes) -> tuple[str, str, str]:
    """Of a kernel's image: machine, `uname -r` and, as far as the image tells, `uname -v`.

    ValueError for what is no image of a kernel that is known here.
    """
    for machine in known():
        found = of(machine).names(data)
        if found is not None:
            return machine, *found
    raise ValueError(f"it is no kernel for {' or '.join(known())}, by its header")
