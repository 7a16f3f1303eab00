"""Reads a file that somebody names on the command line, of which nothing is known yet."""

import errno
import os
import stat


def read_text(path: str | os.PathLike[str], limit: int) -> str:
    """The text of a small regular file.

    Args:
        path: The file. A FIFO, a device or a socket is refused, and opening one does not wait.
        limit: Largest size, in bytes.

    Raises:
        OSError: It cannot be read, is not a regular file, or is larger than `limit`.
        UnicodeDecodeError: It is not UTF-8.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file", os.fspath(path))
    with open(descriptor, "rb") as file:
        # Not by st_size: the file may grow, and that of a file in /proc is 0.
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"is larger than {limit} bytes", os.fspath(path))
    return data.decode("utf-8")
