"""The folder that host and guest share: the request goes in, events and evidence come out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.vm import dump, wire

PREFIX = "fusezap-vm-"
LOCK = "lock"


def above() -> Path:
    return Path(tempfile.gettempdir())


@contextmanager
def shared(request: object) -> Iterator[Path]:
    """A folder with the request, for this user alone; it is removed when the block is left.

    It is locked as long as its maker lives: so `fusezap clean` finds the folders of makers that died.
    """
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above()))
    try:
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / wire.REQUEST).write_bytes(pickle.dumps(request))
            (folder / wire.EVENTS).touch()
            yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a shared folder, and the socket of QEMU's monitor next to it."""
    dump.monitor_of(folder).unlink(missing_ok=True)
    shutil.rmtree(folder)


def orphaned_monitors() -> Iterator[Path]:
    """Yield the monitor sockets of this user whose folder is gone: a folder outlives its socket."""
    for path in above().glob(f"{PREFIX}*{dump.MONITOR}"):
        with contextlib.suppress(OSError):
            seen = path.lstat()
            orphaned = not path.with_name(path.name.removesuffix(dump.MONITOR)).exists()
            if stat.S_ISSOCK(seen.st_mode) and seen.st_uid == os.getuid() and orphaned:
                yield path


def abandoned() -> Iterator[Path]:
    """Folders of this user whose maker is dead."""
    for folder in above().glob(f"{PREFIX}*"):
        try:
            with (folder / LOCK).open() as lock:
                if os.fstat(lock.fileno()).st_uid != os.getuid():
                    continue
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield folder
        except OSError:
            continue  # its maker lives, or is about to lock it
