"""What of this machine the guest must see, and where its own temporary folders would hide it."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.errors import MachineError

OWN = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/tmp")
"""Folders of which the guest has one of its own."""
CHECKOUT = Path(__file__).parents[2]


def needed() -> tuple[Path, ...]:
    """Folders without which no run is possible: the interpreter, its environment, the project."""
    return tuple(dict.fromkeys(Path(each) for each in (sys.base_prefix, sys.prefix, CHECKOUT)))


def hidden(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Those that lie in a folder that the guest covers, and must be put back there."""
    return tuple(path for path in paths if any(path.is_relative_to(own) for own in OWN))


def check(paths: tuple[Path, ...]) -> None:
    """MachineError names what cannot be shown to a guest: what itself is a window to the kernel."""
    for path in paths:
        if any(path.is_relative_to(each) for each in ("/dev", "/proc", "/sys")) and not path.is_relative_to("/dev/shm"):
            raise MachineError(f"{path} cannot be seen in a virtual machine", "move the checkout or its environment")
