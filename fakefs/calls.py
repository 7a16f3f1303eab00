"""The operations that arrive at the server, and the tasks that cause them.

The operations are those of fusepy's `Operations`. libfuse's high-level interface works with paths, so some of the
kernel's requests arrive under another name: LOOKUP is `getattr`, SETATTR is `chmod`, `chown`, `truncate` or `utimens`.
"""

import os
from typing import Protocol

from fakefs.record import record

#: Every operation that fusepy has, and the system calls that cause it.
OPERATIONS: dict[str, str] = {
    "access": "access(2), chdir(2); never with -o default_permissions",
    "bmap": "never: the kernel sends it only for a mount on a block device (fuseblk)",
    "chmod": "chmod(2)",
    "chown": "chown(2)",
    "create": "open(2) of a new file with O_CREAT",
    "destroy": "the end of the session; it has no caller",
    "flush": "each close(2) of a descriptor, also at exit",
    "fsync": "fsync(2), fdatasync(2)",
    "fsyncdir": "fsync(2) of a directory",
    "getattr": "stat(2), and every lookup of a name",
    "getxattr": "getxattr(2); before a write, the kernel reads security.capability",
    "init": "the start of the session (FUSE_INIT); it has no caller",
    "ioctl": "ioctl(2)",
    "link": "link(2)",
    "listxattr": "listxattr(2)",
    "lock": "fcntl(2) locks, if a rule names it at the start, or with --locks; otherwise the kernel keeps the locks",
    "mkdir": "mkdir(2)",
    "mknod": "mknod(2)",
    "open": "open(2) of an existing file",
    "opendir": "open(2) of a directory",
    "read": "read(2), readahead, page faults of a mapping",
    "readdir": "getdents(2)",
    "readlink": "readlink(2), and each access through a symlink",
    "release": "the last close of an open file; it has no caller",
    "releasedir": "the last close of an open directory; it has no caller",
    "removexattr": "removexattr(2)",
    "rename": "rename(2), and unlink(2) of an open file, which libfuse renames to .fuse_hidden...",
    "rmdir": "rmdir(2)",
    "setxattr": "setxattr(2)",
    "statfs": "statfs(2)",
    "symlink": "symlink(2)",
    "truncate": "truncate(2), open(2) with O_TRUNC",
    "unlink": "unlink(2)",
    "utimens": "utimensat(2)",
    "write": "write(2), writeback of a mapping",
}

#: The start and the end of the session. `any` does not include them; a rule has to name them.
SESSION = frozenset({"init", "destroy"})

#: Operations that arrive without a caller. fuse_prepare_release() (fs/fuse/file.c) sets `nocreds`, so the request's pid
#: is 0.
CALLERLESS = SESSION | {"release", "releasedir"}


class Caller(Protocol):
    """The task that made the call.

    `tid` is its thread id in the PID namespace of the server, `comm` its name, and `pid_ns` the inode number of its PID
    namespace. None stands for a value that is not known.
    """

    @property
    def tid(self) -> int: ...
    @property
    def comm(self) -> str | None: ...
    @property
    def pid_ns(self) -> int | None: ...


class LiveCaller:
    """A caller whose name and namespace are read from /proc at their first use.

    Only /proc/TID/comm and the link /proc/TID/ns/pid are read: cmdline, environ and maps take the task's mmap lock
    (proc_pid_cmdline_read(), fs/proc/base.c), which a task that waits for this server in a page fault holds.
    """

    __slots__ = ("_comm", "_pid_ns", "tid")

    def __init__(self, tid: int, readable: bool = True) -> None:
        """
        Args:
            tid: The thread id of the caller.
            readable: Whether /proc has the caller under this number; see `proc_is_ours`.
        """
        self.tid = tid
        self._comm: str | bool | None = False if readable else None
        self._pid_ns: int | bool | None = False if readable else None

    @property
    def comm(self) -> str | None:
        if self._comm is False:
            self._comm = read_comm(self.tid)
        return self._comm if isinstance(self._comm, str) else None

    @property
    def pid_ns(self) -> int | None:
        if self._pid_ns is False:
            self._pid_ns = read_pid_ns(self.tid)
        return None if isinstance(self._pid_ns, bool) else self._pid_ns

    def known(self) -> tuple[str | None, int | None]:
        """(comm, pid_ns), None for each that has not been read yet. Reads nothing."""
        return (
            self._comm if isinstance(self._comm, str) else None,
            None if isinstance(self._pid_ns, bool) else self._pid_ns,
        )


def proc_is_ours() -> bool:
    """Return True where /proc shows the PID namespace of this process.

    It does not after unshare(1) without --mount-proc: /proc then has other tasks under the numbers of the callers.
    """
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def read_comm(tid: int) -> str | None:
    """The name of a task (up to 15 bytes), or None if the task is gone."""
    try:
        fd = os.open(f"/proc/{tid}/comm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.fsdecode(os.read(fd, 64)).removesuffix("\n")
    except OSError:
        return None
    finally:
        os.close(fd)


def parse_namespace(link: str) -> int | None:
    """The inode number in the text of a namespace link: 'pid:[4026531836]'."""
    kind, _, rest = link.partition(":[")
    number = rest.removesuffix("]")
    return int(number) if kind == "pid" and number.isdecimal() else None


def read_pid_ns(tid: int) -> int | None:
    """The inode number of a task's PID namespace. None if the task is gone or the ptrace rules forbid the access."""
    try:
        return parse_namespace(os.readlink(f"/proc/{tid}/ns/pid"))
    except OSError:
        return None


@record(frozen=True, slots=True)
class Call:
    """One operation that arrived. `other` is the second path: the new name of a rename, the existing name of a link."""

    operation: str
    path: str | None
    caller: Caller | None = None
    other: str | None = None
