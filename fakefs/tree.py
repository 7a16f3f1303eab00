"""An in-memory tree of files. It knows nothing about FUSE and raises OSError as a filesystem would.

Paths are absolute, normal (no '.', '..' or doubled '/') and str, with surrogate escapes for bytes that are not UTF-8.
Times are nanoseconds since the epoch. All methods are thread safe; each holds the one lock for a few lines only.
"""

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from threading import RLock
from typing import NoReturn

from fakefs.content import PIECE, Content, Store
from fakefs.record import record

#: Longest name, in bytes: NAME_MAX, as on every common filesystem.
NAME_MAX = 255

#: Size of a block in the answer to statfs(2), in bytes.
BLOCK = 4096

#: Values of tv_nsec in utimensat(2) in place of a time: the current time; no change.
UTIME_NOW = (1 << 30) - 1
UTIME_OMIT = (1 << 30) - 2

#: Flags of setxattr(2).
XATTR_CREATE, XATTR_REPLACE = 1, 2

ROOT_INO = 1


def fail(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))


@record(frozen=True, slots=True)
class Owner:
    """The owner of a new file."""

    uid: int = 0
    gid: int = 0


class Node:
    """An inode. A directory has `children`, a regular file `content`, a symlink a `target`; in others they are None."""

    __slots__ = (
        "atime",
        "children",
        "content",
        "ctime",
        "gid",
        "ino",
        "mode",
        "mtime",
        "nlink",
        "opens",
        "rdev",
        "target",
        "uid",
        "xattrs",
    )

    def __init__(self, ino: int, mode: int, owner: Owner, now: int) -> None:
        self.ino = ino
        self.mode = mode
        self.uid = owner.uid
        self.gid = owner.gid
        self.rdev = 0
        self.nlink = 2 if stat.S_ISDIR(mode) else 1
        self.opens = 0
        self.atime = self.mtime = self.ctime = now
        self.xattrs: dict[str, bytes] = {}
        self.children: dict[str, Node] | None = {} if stat.S_ISDIR(mode) else None
        self.content: Content | None = None
        self.target: str | None = None


class Tree:
    """The whole filesystem."""

    def __init__(self, owner: Owner, capacity: int = 4 << 30, clock: Callable[[], int] = time.time_ns) -> None:
        """
        Args:
            owner: The owner of the root.
            capacity: Bytes of memory that all contents together may take; above it, writes fail with ENOSPC.
            clock: Returns the current time in nanoseconds.
        """
        self._lock = RLock()
        self._clock = clock
        self._store = Store(capacity // PIECE)
        self._last_ino = ROOT_INO
        self._nodes = 1
        self._root = Node(ROOT_INO, stat.S_IFDIR | 0o755, owner, clock())
        self._handles: dict[int, Node] = {}
        self._last_handle = 0

    # Lookup

    def _find(self, path: str) -> Node:
        node = self._root
        for name in _names(path):
            if node.children is None:
                fail(errno.ENOTDIR)
            if name not in node.children:
                _check_name(name)
                fail(errno.ENOENT)
            node = node.children[name]
        return node

    def _folder(self, path: str) -> tuple[dict[str, Node], Node, str]:
        """The children of the folder above a path, that folder, and the last name of the path."""
        head, _, name = path.rpartition("/")
        folder = self._find(head)
        if folder.children is None:
            fail(errno.ENOTDIR)
        if not name:
            fail(errno.EBUSY)
        _check_name(name)
        return folder.children, folder, name

    def _node(self, path: str | None, handle: int | None) -> Node:
        """The open file of the handle, or the file at that path if the handle is not open."""
        node = self._handles.get(handle or 0)
        if node is not None:
            return node
        if path is None:
            fail(errno.EBADF)
        return self._find(path)

    def _file(self, path: str | None, handle: int | None) -> tuple[Node, Content]:
        node = self._node(path, handle)
        if node.content is None:
            fail(errno.EISDIR if node.children is not None else errno.EINVAL)
        return node, node.content

    # Creating and removing

    def _make(self, path: str, mode: int, owner: Owner) -> Node:
        children, folder, name = self._folder(path)
        if name in children:
            fail(errno.EEXIST)
        if folder.nlink == 0:
            fail(errno.ENOENT)
        if folder.mode & stat.S_ISGID:
            # A file in a setgid directory gets the directory's group; a directory gets the bit as well (inode(7)).
            owner = Owner(owner.uid, folder.gid)
            mode |= stat.S_ISGID if stat.S_ISDIR(mode) else 0
        now = self._clock()
        self._last_ino += 1
        self._nodes += 1
        node = Node(self._last_ino, mode, owner, now)
        if stat.S_ISREG(mode):
            node.content = Content(self._store)
        children[name] = node
        folder.nlink += node.children is not None
        folder.mtime = folder.ctime = now
        return node

    def _drop(self, node: Node) -> None:
        """Free a file that has neither a name nor a handle."""
        if node.nlink == 0 and node.opens == 0:
            self._nodes -= 1
            if node.content is not None:
                node.content.truncate(0)

    def mknod(self, path: str, mode: int, rdev: int, owner: Owner) -> None:
        """Create a file, FIFO, socket or device. A mode without a type stands for a regular file."""
        with self._lock:
            self._make(path, mode if stat.S_IFMT(mode) else mode | stat.S_IFREG, owner).rdev = rdev

    def mkdir(self, path: str, mode: int, owner: Owner) -> None:
        with self._lock:
            self._make(path, stat.S_IFDIR | stat.S_IMODE(mode), owner)

    def symlink(self, path: str, target: str, owner: Owner) -> None:
        with self._lock:
            self._make(path, stat.S_IFLNK | 0o777, owner).target = target

    def link(self, path: str, existing: str) -> None:
        with self._lock:
            node = self._find(existing)
            if node.children is not None:
                fail(errno.EPERM)
            children, folder, name = self._folder(path)
            if name in children:
                fail(errno.EEXIST)
            now = self._clock()
            children[name] = node
            node.nlink += 1
            node.ctime = folder.mtime = folder.ctime = now

    def unlink(self, path: str) -> None:
        with self._lock:
            children, folder, name = self._folder(path)
            node = children.get(name) or fail(errno.ENOENT)
            if node.children is not None:
                fail(errno.EISDIR)
            self._remove(children, folder, name)

    def rmdir(self, path: str) -> None:
        with self._lock:
            children, folder, name = self._folder(path)
            node = children.get(name) or fail(errno.ENOENT)
            if node.children is None:
                fail(errno.ENOTDIR)
            if node.children:
                fail(errno.ENOTEMPTY)
            self._remove(children, folder, name)

    def _remove(self, children: dict[str, Node], folder: Node, name: str) -> None:
        node = children.pop(name)
        node.ctime = folder.mtime = folder.ctime = self._clock()
        if node.children is None:
            node.nlink -= 1
        else:
            node.nlink = 0
            folder.nlink -= 1
        self._drop(node)

    def rename(self, old: str, new: str) -> None:
        """Rename a file. A file at `new` is replaced, as by rename(2)."""
        with self._lock:
            from_children, from_folder, from_name = self._folder(old)
            node = from_children.get(from_name) or fail(errno.ENOENT)
            if new.startswith(old + "/"):
                fail(errno.EINVAL)
            to_children, to_folder, to_name = self._folder(new)
            victim = to_children.get(to_name)
            if victim is node:
                return
            if victim is not None:
                _check_replace(node, victim)
                self._remove(to_children, to_folder, to_name)
            del from_children[from_name]
            to_children[to_name] = node
            if node.children is not None:
                from_folder.nlink -= 1
                to_folder.nlink += 1
            now = self._clock()
            for changed in (from_folder, to_folder):
                changed.mtime = changed.ctime = now
            node.ctime = now

    # Open files

    def _open(self, node: Node) -> int:
        self._last_handle += 1
        self._handles[self._last_handle] = node
        node.opens += 1
        return self._last_handle

    def open(self, path: str) -> int:
        """Open a file.

        Returns:
            A handle, 1 or more, which stays valid if the file is renamed or removed.
        """
        with self._lock:
            return self._open(self._find(path))

    def create(self, path: str, mode: int, owner: Owner) -> int:
        with self._lock:
            return self._open(self._make(path, stat.S_IFREG | stat.S_IMODE(mode), owner))

    def release(self, handle: int) -> None:
        """Close a handle. A handle that is not open is not an error, because handle 0 belongs to no file."""
        with self._lock:
            node = self._handles.pop(handle, None)
            if node is not None:
                node.opens -= 1
                self._drop(node)

    def read(self, path: str | None, size: int, offset: int, handle: int | None = None) -> bytes:
        with self._lock:
            node, content = self._file(path, handle)
            node.atime = self._clock()
            return content.read(size, offset)

    def write(self, path: str | None, data: bytes, offset: int, handle: int | None = None) -> int:
        with self._lock:
            node, content = self._file(path, handle)
            length = content.write(data, offset)
            node.mtime = node.ctime = self._clock()
            return length

    def truncate(self, path: str | None, size: int, handle: int | None = None) -> None:
        with self._lock:
            node, content = self._file(path, handle)
            if size < 0:
                fail(errno.EINVAL)
            content.truncate(size)
            node.mtime = node.ctime = self._clock()

    # Attributes

    def getattr(self, path: str | None, handle: int | None = None) -> dict[str, int]:
        """The fields of struct stat, times in nanoseconds."""
        with self._lock:
            return _attributes(self._node(path, handle))

    def chmod(self, path: str, mode: int) -> None:
        with self._lock:
            node = self._find(path)
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
            node.ctime = self._clock()

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Change the owner and the group; -1 keeps a number."""
        with self._lock:
            node = self._find(path)
            node.uid = node.uid if uid == -1 else uid
            node.gid = node.gid if gid == -1 else gid
            node.ctime = self._clock()

    def utimens(self, path: str, times: tuple[int, int] | None) -> None:
        """Set the access and the modification time. None stands for the current time for both."""
        with self._lock:
            node, now = self._find(path), self._clock()
            special = {UTIME_NOW: now}
            atime, mtime = times or (now, now)
            if atime != UTIME_OMIT:
                node.atime = special.get(atime, atime)
            if mtime != UTIME_OMIT:
                node.mtime = special.get(mtime, mtime)
            node.ctime = now

    def access(self, path: str, wanted: int, owner: Owner) -> None:
        """Check an access(2) by the mode bits. The caller's supplementary groups are not known here."""
        with self._lock:
            node = self._find(path)
        if owner.uid == 0:
            bits = 0o7 if node.children is not None or node.mode & 0o111 else 0o6
        elif owner.uid == node.uid:
            bits = node.mode >> 6
        else:
            bits = node.mode >> 3 if owner.gid == node.gid else node.mode
        if wanted & 0o7 & ~bits:
            fail(errno.EACCES)

    def getxattr(self, path: str, name: str) -> bytes:
        with self._lock:
            xattrs = self._find(path).xattrs
            return xattrs[name] if name in xattrs else fail(errno.ENODATA)

    def setxattr(self, path: str, name: str, value: bytes, flags: int) -> None:
        if name.startswith("system."):
            fail(errno.EOPNOTSUPP)  # ACLs: the tree does not enforce them, so it does not store them
        with self._lock:
            node = self._find(path)
            if flags & XATTR_CREATE and name in node.xattrs:
                fail(errno.EEXIST)
            if flags & XATTR_REPLACE and name not in node.xattrs:
                fail(errno.ENODATA)
            node.xattrs[name] = value
            node.ctime = self._clock()

    def listxattr(self, path: str) -> list[str]:
        with self._lock:
            return list(self._find(path).xattrs)

    def removexattr(self, path: str, name: str) -> None:
        with self._lock:
            node = self._find(path)
            if node.xattrs.pop(name, None) is None:
                fail(errno.ENODATA)
            node.ctime = self._clock()

    # Directories

    def readlink(self, path: str) -> str:
        with self._lock:
            target = self._find(path).target
            return fail(errno.EINVAL) if target is None else target

    def readdir(self, path: str | None, handle: int | None = None) -> list[tuple[str, dict[str, int]]]:
        """The names in a directory with their attributes, without '.' and '..'."""
        with self._lock:
            node = self._node(path, handle)
            if node.children is None:
                fail(errno.ENOTDIR)
            return [(name, _attributes(child)) for name, child in node.children.items()]

    def statfs(self) -> dict[str, int]:
        """The fields of struct statvfs. The number of inodes is not limited; a million are always free."""
        with self._lock:
            scale = PIECE // BLOCK
            free = (self._store.capacity - self._store.used) * scale
            return {
                "f_bsize": BLOCK,
                "f_frsize": BLOCK,
                "f_blocks": self._store.capacity * scale,
                "f_bfree": free,
                "f_bavail": free,
                "f_files": self._nodes + 1_000_000,
                "f_ffree": 1_000_000,
                "f_favail": 1_000_000,
                "f_namemax": NAME_MAX,
            }


def _names(path: str) -> Iterator[str]:
    return (name for name in path.split("/") if name)


def _check_name(name: str) -> None:
    if len(os.fsencode(name)) > NAME_MAX:
        fail(errno.ENAMETOOLONG)


def _check_replace(node: Node, victim: Node) -> None:
    if node.children is None and victim.children is not None:
        fail(errno.EISDIR)
    if node.children is not None and victim.children is None:
        fail(errno.ENOTDIR)
    if victim.children:
        fail(errno.ENOTEMPTY)


def _attributes(node: Node) -> dict[str, int]:
    size, allocated = 0, 0
    if node.content is not None:
        size, allocated = node.content.size, node.content.allocated
    elif node.target is not None:
        size = len(os.fsencode(node.target))
    return {
        "st_ino": node.ino,
        "st_mode": node.mode,
        "st_nlink": node.nlink,
        "st_uid": node.uid,
        "st_gid": node.gid,
        "st_rdev": node.rdev,
        "st_size": size,
        "st_blksize": BLOCK,
        "st_blocks": allocated // 512,
        "st_atime": node.atime,
        "st_mtime": node.mtime,
        "st_ctime": node.ctime,
    }
