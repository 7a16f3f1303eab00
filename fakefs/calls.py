"""What arrives at the server: one Call per operation, and who caused it.

The operations are those of fusepy's `Operations`. libfuse's high-level interface speaks in paths, so some of the
kernel's requests arrive under another name: LOOKUP is `getattr`, SETATTR is `chmod`, `chown`, `truncate` or `utimens`.
"""

import os
from dataclasses import dataclass
from typing import Protocol

#: Every operation that fusepy offers, with what makes it happen.
OPERATIONS: dict[str, str] = {
    "access": "access(2), chdir(2); never with -o default_permissions",
    "bmap": "only sent for a mount on a block device (fuseblk), so never here",
    "chmod": "chmod(2)",
    "chown": "chown(2)",
    "create": "open(2) with O_CREAT of a new file",
    "destroy": "the end of the session; has no caller",
    "flush": "each close(2) of a descriptor, also at exit",
    "fsync": "fsync(2), fdatasync(2)",
    "fsyncdir": "fsync(2) of a directory",
    "getattr": "stat(2), and every lookup of a name",
    "getxattr": "getxattr(2); the kernel asks for security.capability before a write",
    "init": "the begin of the session (FUSE_INIT); has no caller",
    "ioctl": "ioctl(2)",
    "link": "link(2)",
    "listxattr": "listxattr(2)",
    "lock": "fcntl(2) locks; only where a rule at start names it, or with --locks: else the kernel keeps them",
    "mkdir": "mkdir(2)",
    "mknod": "mknod(2)",
    "open": "open(2) of an existing file",
    "opendir": "open(2) of a directory",
    "read": "read(2), readahead, page faults of a mapping",
    "readdir": "getdents(2)",
    "readlink": "readlink(2), and following a symlink",
    "release": "the last close of an open file; has no caller",
    "releasedir": "the last close of an open directory; has no caller",
    "removexattr": "removexattr(2)",
    "rename": "rename(2); also the unlink(2) of a file that is open (libfuse hides it as .fuse_hidden...)",
    "rmdir": "rmdir(2)",
    "setxattr": "setxattr(2)",
    "statfs": "statfs(2)",
    "symlink": "symlink(2)",
    "truncate": "truncate(2), open(2) with O_TRUNC",
    "unlink": "unlink(2)",
    "utimens": "utimensat(2)",
    "write": "write(2), writeback of a mapping",
}

#: Begin and end of the session: `any` leaves them out, a rule has to name them.
SESSION = frozenset({"init", "destroy"})

#: Sent without the task that caused them: fuse_prepare_release() sets `nocreds`, so the request's pid is 0.
CALLERLESS = SESSION | {"release", "releasedir"}


class Caller(Protocol):
    """Who asks. `tid` is in the PID namespace of the server; `pid_ns` is an inode number; None is 'not known'."""

    @property
    def tid(self) -> int: ...
    @property
    def comm(self) -> str | None: ...
    @property
    def pid_ns(self) -> int | None: ...


class LiveCaller:
    """A caller whose name and namespace are read in /proc when they are first asked for, and then remembered.

    /proc/TID/comm and the link /proc/TID/ns/pid are all that is ever read of a caller: cmdline, environ and maps take
    its mmap lock, and a task that waits for this very server inside a page fault holds it.
    """

    __slots__ = ("_comm", "_pid_ns", "tid")

    def __init__(self, tid: int, readable: bool = True) -> None:
        """`readable`: whether /proc knows this task by this number; see `proc_is_ours`."""
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
        """(comm, pid_ns) as far as read already: reads nothing."""
        return (
            self._comm if isinstance(self._comm, str) else None,
            None if isinstance(self._pid_ns, bool) else self._pid_ns,
        )


def proc_is_ours() -> bool:
    """Whether /proc shows this process's own PID namespace. After unshare(1) without --mount-proc it does not: the
    kernel's number of a caller would be that of another task there."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def read_comm(tid: int) -> str | None:
    """The name of a task (up to 15 bytes), or None if it is gone."""
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
    """The inode number of a task's PID namespace, or None if it is gone or may not be asked (ptrace rules)."""
    try:
        return parse_namespace(os.readlink(f"/proc/{tid}/ns/pid"))
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """One operation. `other` is the second path: the new name of a rename, the existing name of a link."""

    operation: str
    path: str | None
    caller: Caller | None = None
    other: str | None = None
