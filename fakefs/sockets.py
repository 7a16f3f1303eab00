"""UNIX sockets with paths of any length, also longer than `sun_path`."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

#: sizeof(sockaddr_un.sun_path) - 1
LONGEST = 107


@contextmanager
def reached(path: str | os.PathLike[str]) -> Iterator[str]:
    """An address for the socket `path` that is short enough. It is valid inside the `with` block only.

    A long path is reached through a descriptor of its directory in /proc/self/fd.

    Raises:
        OSError: The directory does not exist, or the last name alone is too long.
    """
    full = os.fspath(path)
    if len(os.fsencode(full)) <= LONGEST:
        yield full
        return
    folder, name = os.path.split(os.path.abspath(full))
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        short = f"/proc/self/fd/{descriptor}/{name}"
        if len(os.fsencode(short)) > LONGEST:
            raise OSError(
                errno.ENAMETOOLONG, "socket name too long, even within its directory; choose a shorter one", full
            )
        yield short
    finally:
        os.close(descriptor)


def listening(path: str | os.PathLike[str]) -> socket.socket:
    """A socket that listens at `path`, with mode 0600. A socket file without a listener is replaced.

    Raises:
        OSError: EADDRINUSE if a program listens there already, or another error.
    """
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with reached(path) as address:
            try:
                _bind(server, address)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or not _is_dead(address):
                    raise
                os.unlink(address)
                _bind(server, address)
        server.listen(128)
    except OSError:
        server.close()
        raise
    return server


def _bind(server: socket.socket, address: str) -> None:
    mask = os.umask(0o177)
    try:
        server.bind(address)
    finally:
        os.umask(mask)


def _is_dead(address: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(address)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False
