"""Files of the user's: replaced whole, or not at all, and read within limits."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import stat
from pathlib import Path
from typing import BinaryIO, TextIO

SECRET = 0o600
"""The mode of what holds readings of a machine: for nobody else's eyes."""


def user_folder(variable: str, default: str) -> Path:
    """Find where a user's files of one kind are kept.

    A sudo that keeps HOME leads root into the folder of another user, who could have put a link there: root takes its
    own then.

    Args:
        variable: of the environment, which names the folder, such as XDG_CACHE_HOME.
        default: the folder in the home folder where the variable is not set.
    """
    chosen = Path(os.environ.get(variable) or Path.home() / default)
    if os.geteuid() == 0 and _owner(chosen) != 0:
        return Path(pwd.getpwuid(0).pw_dir) / default
    return chosen


def _owner(path: Path) -> int:
    """The owner of the folder, or of the one that it would be made in."""
    for each in (path, *path.absolute().parents):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return each.stat().st_uid
    return 0


def replace_file(path: Path, text: str, mode: int | None = None) -> None:
    """Write a text file, as `replace_bytes` does; what is no UTF-8 is escaped."""
    replace_bytes(path, text.encode(errors="backslashreplace"), mode)


def replace_bytes(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file so that it is there whole or not at all.

    A link in the place of the file is replaced, and never written through; a device, a FIFO or a folder there is
    refused, and so is a link to one.

    Args:
        path: the file; whoever reads it meanwhile sees the old one or the new one.
        data: what it is to hold.
        mode: its permissions; None: as the umask has them for a new file.

    Raises:
        OSError: it cannot be written; what was there stays then.
    """
    import tempfile

    path = path.absolute()
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):  # as /dev/stdout is a link to what is none
            raise OSError(errno.EEXIST, "it is there, and is no plain file", str(path))
    fd, fresh = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with open(fd, "wb") as stream:
            if mode is None:
                mask = os.umask(0)
                os.umask(mask)
                mode = 0o666 & ~mask
            os.fchmod(stream.fileno(), mode)
            stream.write(data)
            stream.flush()
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise


def opened_anew(path: Path) -> TextIO:
    """Open a text file that grows while others read it, in the place of what was there.

    Args:
        path: the file; links and what is no plain file are treated as `replace_bytes` does.

    Returns:
        The new file, which is empty.

    Raises:
        OSError: it cannot be made; what was there stays then.
    """
    replace_bytes(path, b"")
    return open(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "w", encoding="utf-8")


def read_text(path: Path, most: int) -> str:
    """Read a text file of somebody else's.

    Args:
        path: the file.  A FIFO, a socket or a device is refused without waiting for it.
        most: bytes that it may have.

    Raises:
        OSError: it cannot be read, is no plain file, or is larger.
        UnicodeDecodeError: it is no UTF-8.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with open(fd, "rb") as stream:
        found = os.fstat(fd)
        if stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        return _bounded(stream, most, str(path)).decode()


def read_stream(stream: BinaryIO, most: int, name: str) -> str:
    """Read a stream to its end, as `read_text` does."""
    return _bounded(stream, most, name).decode()


def _bounded(stream: BinaryIO, most: int, name: str) -> bytes:
    """Not by the size that the file says it has: files in /proc say 0, and others grow."""
    data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most >> 20} MiB", name)
    return data
