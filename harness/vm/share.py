"""The folder that host and guest share: orders in, events and evidence out.  It is gone when its block is left."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
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
def shared(orders: object) -> Iterator[Path]:
    """Its user's alone; locked while its maker lives, by which `fusezap clean` tells it from a dead one's."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above()))
    try:
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / wire.ORDERS).write_bytes(pickle.dumps(orders))
            (folder / wire.EVENTS).touch()
            yield folder
    finally:
        dump.monitor_of(folder).unlink(missing_ok=True)
        shutil.rmtree(folder)


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
            continue  # somebody holds it, or is just making it
