"""The program that has files of the mount open: it writes one, whose pages it leaves dirty, and reads another.

    python -m harness.servers.programs.workload NAME MOUNT FOLDER READ WRITE

READ and WRITE are paths; an empty WRITE writes nothing.  READY=1 is sent when MOUNT is mounted, and before anything of
it is opened.  FOLDER/NAME.armed appears when the files are open.  At SIGUSR1 it closes one more descriptor of READ,
and FOLDER/NAME.closed appears when that call has returned.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import sys
from pathlib import Path

from fakefs.hold import name_thread
from fakefs.mounted import wait_until_mounted
from fakefs.notify import notify

PAGES = 16
COMM = "fusezap-work"


def main(name: str, mount: str, folder: str, read: str, write: str) -> None:
    """Run the program; never returns."""
    name_thread(COMM.encode())
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    wait_until_mounted(mount)
    notify("READY=1")
    held = [_writer(write)] if write else []
    held.append(_reader(read))
    # A server without FLUSH says so once, with ENOSYS, and the kernel asks no more (fuse_flush(), fs/fuse/file.c).
    os.close(_reader(read))
    spare = _reader(read)
    Path(folder, f"{name}.armed").touch()
    signal.sigwait({signal.SIGUSR1})
    os.close(spare)
    Path(folder, f"{name}.closed").touch()
    while True:
        signal.pause()


def _reader(path: str) -> int:
    """The bytes are not looked at: a server that decrypts what was never encrypted answers with an error."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        os.read(fd, mmap.PAGESIZE)
    return fd


def _writer(path: str) -> int:
    """Written, and not synced; a page of a shared mapping is dirty besides, where the server allows one."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.write(fd, b"x" * mmap.PAGESIZE * PAGES)
    with contextlib.suppress(OSError):
        mapped = mmap.mmap(fd, mmap.PAGESIZE)
        mapped[0] = 1
        _MAPPINGS.append(mapped)
    return fd


_MAPPINGS: list[mmap.mmap] = []


if __name__ == "__main__":
    main(*sys.argv[1:])
