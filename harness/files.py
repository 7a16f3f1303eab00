"""Atomic replacement of files."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """OSError where it cannot be written; what was there stays then."""
    replace_bytes(path, text.encode(errors="backslashreplace"))


def replace_bytes(path: Path, data: bytes) -> None:
    import tempfile

    folder = path.absolute().parent
    fd, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=folder)
    try:
        with open(fd, "wb") as stream:
            stream.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(fresh, 0o666 & ~mask)
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
