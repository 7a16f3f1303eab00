"""A file of the server's own mount, opened by another process and passed to a single-threaded server.

Such a server cannot open one itself: the open would wait for its own answer. The process that was started becomes the
opener, and its child the server; the opener ends once the server has the file.
"""

import os
import socket
from collections.abc import Callable

from fakefs.mounted import wait_until_mounted
from fakefs.program import complain


class PassedFile:
    """`take` has to be called before each request is answered: it receives the file when that has come."""

    def __init__(self, path: str, mountpoint: str, received: Callable[[], None]) -> None:
        """`received` runs once the file is here and the opener has closed it. Forks: only the child returns."""
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
        """The opener's own close comes as a FLUSH after the file: then only is it ours alone."""
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
    """Never returns. The stat makes the server look for the file, and the end of this process closes our own."""
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
