"""The folder that host and guest share: the request goes in, events and evidence come out."""

from __future__ import annotations

import fcntl
import os
import pickle
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.vm import wire

PREFIX = "fusezap-vm-"
LOCK = "lock"
MONITOR = "monitor"
"""Within the folder of a machine, where QEMU makes the socket of its monitor."""
SHARED = "guest"
"""Within the folder of a machine, what the guest has too."""


def above() -> Path:
    return Path(tempfile.gettempdir())


@contextmanager
def shared(request: object) -> Iterator[Path]:
    """A folder with the request, which is removed when the block is left.

    What is the host's alone lies above it, out of the guest's reach: the lock of its maker, by which `fusezap clean`
    finds the folders of makers that died, and the socket of QEMU's monitor.
    """
    above_it = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above()))
    try:
        with (above_it / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder = above_it / SHARED
            folder.mkdir(mode=0o700)
            (above_it / MONITOR).mkdir(mode=0o700)
            above_it.chmod(0o711)
            (folder / wire.REQUEST).write_bytes(pickle.dumps(request))
            (folder / wire.EVENTS).touch()
            yield folder
    finally:
        remove(above_it)


def remove(folder: Path) -> None:
    """Remove the folder of a machine; the guest may have made folders in it that lie deeper than Python can recurse."""
    subprocess.run(["rm", "-rf", "--", str(folder)], check=True, stdin=subprocess.DEVNULL)


def abandoned() -> Iterator[Path]:
    """Folders of this user whose maker is dead, each with the shared one in it."""
    for folder in above().glob(f"{PREFIX}*"):
        try:
            fd = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue  # its maker is about to lock it, or it is a stranger's
        with open(fd) as lock:
            if os.fstat(fd).st_uid != os.getuid():
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue  # its maker lives
            yield folder
