"""The root filesystem of a container, made on the spot: empty folders, and this machine's own, bound read-only.

No registry is asked and nothing is copied: fakefs runs in the container by the interpreter, the libraries and the
checkout that run the harness.
"""

from __future__ import annotations

import io
import os
import sys
import tarfile
from pathlib import Path

import fakefs
from harness.runtimes.driver import Bind

TOP = ("bin", "lib", "lib32", "lib64", "libx32")
"""Links into /usr on a machine whose /usr is merged; else folders."""
FOLDERS = ("dev", "etc", "proc", "run", "sbin", "sys", "tmp", "mnt")
"""Into /sbin docker puts its init: no link into a /usr that is read-only."""
MOUNT_POINT = "/mnt"
MTAB = ("etc/mtab", "/proc/self/mounts")
"""A link: libfuse then keeps no list of mounts of its own."""


def links() -> tuple[tuple[str, str], ...]:
    """(name, target) of the links at the root."""
    return tuple((name, os.readlink(f"/{name}")) for name in TOP if os.path.islink(f"/{name}"))


def binds(*writable: str) -> tuple[Bind, ...]:
    """The folders of this machine that the container sees; the writable ones come last."""
    wanted = ["/usr", *(f"/{name}" for name in TOP if os.path.isdir(f"/{name}") and not os.path.islink(f"/{name}"))]
    wanted += [path for path in ("/etc/ld.so.cache",) if os.path.exists(path)]
    checkout = str(Path(fakefs.__file__).resolve().parents[1])
    wanted += outermost((sys.base_prefix, sys.prefix, os.path.realpath(sys.base_prefix), checkout))
    inside = [path for path in dict.fromkeys(wanted) if not _within(path, "/usr")]
    return (Bind("/usr"), *map(Bind, inside), *(Bind(path, writable=True) for path in writable))


def outermost(paths: tuple[str, ...]) -> list[str]:
    """Without those that lie in another of them."""
    return [path for path in dict.fromkeys(paths) if not any(path != other and _within(path, other) for other in paths)]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def archive(points: tuple[Bind, ...]) -> bytes:
    """The root filesystem as a tar file, for `docker import` and to be unpacked: no more than some kilobytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        made: set[str] = set()
        for folder in FOLDERS:
            _folder(tar, folder, made)
        for name, target in (*links(), MTAB):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
        for point in points:
            path = point.path.lstrip("/")
            if os.path.isdir(point.path):
                _folder(tar, path, made)
            else:
                _folder(tar, os.path.dirname(path), made)
                tar.addfile(tarfile.TarInfo(path))
    return stream.getvalue()


def _folder(tar: tarfile.TarFile, path: str, made: set[str]) -> None:
    """And those above it."""
    if not path or path in made:
        return
    _folder(tar, os.path.dirname(path), made)
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(entry)
    made.add(path)


def unpack(data: bytes, folder: Path) -> None:
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(folder, filter="fully_trusted")
