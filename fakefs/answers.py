"""The real operations: methods with fusepy's signatures that call the tree.

fusepy runs with `raw_fi`: it passes an open file as its struct fuse_file_info, whose `fh` is the tree's handle.
"""

import ctypes
import errno
import fcntl
import os
from collections.abc import Callable
from typing import Any, Protocol

from fakefs.locks import END, Lock, Locks
from fakefs.tree import Owner, Tree, fail


class FileInfo(Protocol):
    """The fields of struct fuse_file_info that are used here."""

    fh: int
    lock_owner: int


class Flock(ctypes.Structure):
    """struct flock of the C library. libfuse always sets l_whence to SEEK_SET (lock_to_flock(), lib/fuse.c)."""

    _fields_ = (
        ("l_type", ctypes.c_short),
        ("l_whence", ctypes.c_short),
        ("l_start", ctypes.c_int64),
        ("l_len", ctypes.c_int64),
        ("l_pid", ctypes.c_int),
    )


def handle(info: FileInfo | None) -> int | None:
    return info.fh if info is not None else None


class Answers:
    """One method for each operation that the server has; each takes the caller's user and group ids first.

    fusepy registers an operation with libfuse if the object has an attribute of that name that is not None.
    """

    #: An option of fusepy: times are integers in nanoseconds.
    use_ns = True
    #: A field of struct fuse_operations of libfuse 2: utimens receives UTIME_OMIT and UTIME_NOW, so that `touch -a`
    #: does not change mtime. Without it, libfuse drops an update of only one time (fuse_lib_setattr(), lib/fuse.c).
    flag_utime_omit_ok = 1
    #: A field of struct fuse_operations of libfuse 2: operations on an open file arrive even if the file has lost its
    #: path; the path is then None.
    flag_nullpath_ok = 1
    #: Set if the server keeps the locks. If it is None, fusepy does not register the operation, and the kernel keeps
    #: the locks itself.
    lock: Callable[..., None] | None = None

    def __init__(self, tree: Tree, interrupted: Callable[[], bool] | None = None) -> None:
        """
        Args:
            tree: The filesystem.
            interrupted: Returns whether the caller of the current request received a signal. If it is given, the server
                keeps the locks; if not, the kernel does.
        """
        self.tree = tree
        self._locks = Locks()
        if interrupted is not None:
            self._interrupted = interrupted
            self.lock = self._lock

    def init(self, _owner: Owner, _path: str) -> None:
        """The session begins."""

    def destroy(self, _owner: Owner, _path: str) -> None:
        """The session ends: no more requests arrive."""

    def access(self, owner: Owner, path: str, mode: int) -> None:
        self.tree.access(path, mode, owner)

    def chmod(self, _owner: Owner, path: str, mode: int) -> None:
        self.tree.chmod(path, mode)

    def chown(self, _owner: Owner, path: str, uid: int, gid: int) -> None:
        self.tree.chown(path, uid, gid)

    def create(self, owner: Owner, path: str, mode: int, info: FileInfo) -> None:
        info.fh = self.tree.create(path, mode, owner)

    def flush(self, _owner: Owner, _path: str | None, _info: FileInfo) -> None:
        """Do nothing: every write has reached the tree."""

    def fsync(self, _owner: Owner, _path: str | None, _datasync: int, _info: FileInfo) -> None:
        """Do nothing, as flush."""

    def fsyncdir(self, _owner: Owner, _path: str | None, _datasync: int, _handle: int) -> None:
        """Do nothing, as flush."""

    def getattr(self, _owner: Owner, path: str | None, info: FileInfo | None) -> dict[str, int]:
        return self.tree.getattr(path, handle(info))

    def getxattr(self, _owner: Owner, path: str, name: str) -> bytes:
        return self.tree.getxattr(path, name)

    def ioctl(self, _owner: Owner, _path: str, *_arguments: Any) -> None:
        fail(errno.ENOTTY)

    def link(self, _owner: Owner, path: str, existing: str) -> None:
        self.tree.link(path, existing)

    def listxattr(self, _owner: Owner, path: str) -> list[str]:
        return self.tree.listxattr(path)

    def _lock(self, _owner: Owner, path: str | None, info: FileInfo, command: int, address: int) -> None:
        flock = Flock.from_address(address)
        last = flock.l_start + flock.l_len - 1 if flock.l_len else END
        ino = self.tree.getattr(path, info.fh)["st_ino"]
        wanted = Lock(ino, info.lock_owner, flock.l_type, flock.l_start, last, flock.l_pid)
        if command != fcntl.F_GETLK:
            self._locks.put(wanted, self._interrupted if command == fcntl.F_SETLKW else None)
            return
        found = self._locks.find(wanted)
        flock.l_type = fcntl.F_UNLCK if found is None else found.kind
        if found is not None:
            flock.l_whence = os.SEEK_SET
            flock.l_start, flock.l_pid = found.first, found.tid
            flock.l_len = 0 if found.last == END else found.last - found.first + 1

    def mkdir(self, owner: Owner, path: str, mode: int) -> None:
        self.tree.mkdir(path, mode, owner)

    def mknod(self, owner: Owner, path: str, mode: int, device: int) -> None:
        self.tree.mknod(path, mode, device, owner)

    def open(self, _owner: Owner, path: str, info: FileInfo) -> None:
        info.fh = self.tree.open(path)

    def opendir(self, _owner: Owner, path: str) -> int:
        return self.tree.open(path)

    def read(self, _owner: Owner, path: str | None, size: int, offset: int, info: FileInfo) -> bytes:
        return self.tree.read(path, size, offset, handle(info))

    def readdir(self, _owner: Owner, path: str | None, opened: int) -> list[str | tuple[str, dict[str, int], int]]:
        # With offset 0 in each entry, libfuse keeps the whole listing and the kernel's offsets into it.
        return [".", "..", *((name, attributes, 0) for name, attributes in self.tree.readdir(path, opened))]

    def readlink(self, _owner: Owner, path: str) -> str:
        return self.tree.readlink(path)

    def release(self, _owner: Owner, _path: str | None, info: FileInfo) -> None:
        self.tree.release(info.fh)

    def releasedir(self, _owner: Owner, _path: str | None, opened: int) -> None:
        self.tree.release(opened)

    def removexattr(self, _owner: Owner, path: str, name: str) -> None:
        self.tree.removexattr(path, name)

    def rename(self, _owner: Owner, old: str, new: str) -> None:
        self.tree.rename(old, new)

    def rmdir(self, _owner: Owner, path: str) -> None:
        self.tree.rmdir(path)

    def setxattr(self, _owner: Owner, path: str, name: str, value: bytes, flags: int) -> None:
        self.tree.setxattr(path, name, value, flags)

    def statfs(self, _owner: Owner, _path: str) -> dict[str, int]:
        return self.tree.statfs()

    def symlink(self, owner: Owner, path: str, target: str) -> None:
        self.tree.symlink(path, target, owner)

    def truncate(self, _owner: Owner, path: str | None, size: int, info: FileInfo | None = None) -> None:
        self.tree.truncate(path, size, handle(info))

    def unlink(self, _owner: Owner, path: str) -> None:
        self.tree.unlink(path)

    def utimens(self, _owner: Owner, path: str, times: tuple[int, int] | None) -> None:
        self.tree.utimens(path, times)

    def write(self, _owner: Owner, path: str | None, data: bytes, offset: int, info: FileInfo) -> int:
        return self.tree.write(path, data, offset, handle(info))
