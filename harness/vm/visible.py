"""Host paths that the guest needs, and which of them the guest's own tmpfs mounts would hide."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.errors import MachineError

OWN = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/tmp")
"""Folders that the guest mounts for itself."""
CHECKOUT = Path(__file__).parents[2]


def needed(shown: tuple[Path, ...] = ()) -> tuple[Path, ...]:
    """Folders without which no run is possible: the interpreter, its environment, the project.

    Args:
        shown: More folders, which hold programs of the user's.
    """
    return tuple(dict.fromkeys((Path(sys.base_prefix), Path(sys.prefix), CHECKOUT, *shown)))


def hidden(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The paths below a folder that the guest mounts over; they must be bind-mounted there again."""
    return tuple(path for path in paths if any(path.is_relative_to(own) for own in OWN))


def check(paths: tuple[Path, ...]) -> None:
    """Raise MachineError for a path that cannot be shown to a guest: below /dev, /proc or /sys, or one of OWN."""
    for path in paths:
        if str(path) in OWN:
            raise MachineError(f"a virtual machine has a {path} of its own", "move what it needs to a folder in there")
        if any(path.is_relative_to(each) for each in ("/dev", "/proc", "/sys")) and not path.is_relative_to("/dev/shm"):
            raise MachineError(f"{path} cannot be seen in a virtual machine", "move the checkout or its environment")
