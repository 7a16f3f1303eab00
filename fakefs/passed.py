"""Passes a file of the server's own mount to a single-threaded server from another process.

Such a server cannot open the file itself, because the open would wait for its own answer. The process that was started
becomes the opener, and its child becomes the server. The opener exits once the server has the file.
"""

import os
import socket
from collections.abc import Callable

from fakefs.mounted import wait_until_mounted
from fakefs.program import complain


class PassedFile:
    """The file. Call `take` before each answer: it receives the file when the opener has sent it."""

    def __init__(self, path: str, mountpoint: str, received: Callable[[], None]) -> None:
        """Fork; only the child returns.

        Args:
            path: The file, as seen from the mountpoint.
            mountpoint: Absolute path of the mountpoint.
            received: Runs once the file is here and the opener has closed it.
        """
        self._path = path
        self._received = received
        self._ours, theirs = socket.socketpair()
        self._here = False
        if os.fork() != 0:
            self._ours.close()
            _open_and_pass(path, mountpoint, theirs)
        theirs.close()
        self._ours.setblocking(False)

    def take(self, operation: str) -> None:
        """Receive the file, or notice the FLUSH of the opener's close: after that, only this process has the file."""
        if self._here:
            if operation == "flush":
                self._received()
                self._received = lambda: None
            return
        try:
            _, descriptors, _, _ = socket.recv_fds(self._ours, 1, 1)
        except BlockingIOError:
            return
        self._here = bool(descriptors)


def _open_and_pass(path: str, mountpoint: str, channel: socket.socket) -> None:
    """Open the file, send it, and exit. The stat(2) causes a request, before which the server receives the file."""
    status = 1
    try:
        wait_until_mounted(mountpoint)
        descriptor = os.open(mountpoint + path, os.O_RDWR)
        socket.send_fds(channel, [b"f"], [descriptor])
        os.stat(mountpoint + path)
        status = 0
    except OSError as error:
        complain(f"fakefs: --hold: {error}")
    finally:
        os._exit(status)
