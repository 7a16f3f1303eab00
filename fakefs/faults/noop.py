"""noop: the server answers with success and does nothing.

The reply is the smallest one that the kernel accepts as a success of the operation:

- `read`, `getxattr`: no bytes; `readlink`: '.'; `listxattr`: no names; `readdir`: '.' and '..';
- `write`: all bytes were written; `statfs`: all zero;
- `getattr`: an empty regular file (a directory for '/'), whether or not the name exists;
- `open`, `create`, `opendir`: handle 0, which belongs to no file, so later operations use the path;
- everything else: 0.

libfuse looks up the new name after `create`, `mkdir`, `mknod`, `symlink` and `link`. The program then gets ENOENT,
because there is no such file, although the server answered the operation itself with success.
"""

import stat
from collections.abc import Callable, Iterator

from fakefs.fault import Argument, Fault, Reply, Request


def _getattr(request: Request) -> dict[str, int]:
    if request.call.path == "/":
        return {"st_ino": 1, "st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
    # The tree never uses this inode number, because it counts up from 1. The kernel refuses a mode without a file type
    # (fuse_valid_type(), fs/fuse/dir.c).
    return {"st_ino": 0xFFFF_FFFF, "st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": 0}


REPLIES: dict[str, Callable[[Request], object]] = {
    "getattr": _getattr,
    "getxattr": lambda _request: b"",
    "listxattr": lambda _request: [],
    "read": lambda _request: b"",
    "readdir": lambda _request: [".", ".."],
    "readlink": lambda _request: ".",
    "statfs": lambda _request: {},
    # The arguments of `write` are the path, the data, the offset and the handle.
    "write": lambda request: len(request.arguments[1]),
}


def inject(request: Request, _argument: Argument) -> Reply:
    answer = REPLIES.get(request.call.operation)
    return Reply(answer(request) if answer else 0)


def refuses(operations: frozenset[str], after: bool) -> Iterator[str]:
    if after:
        yield "noop replaces the real operation, so it cannot come after it"
    if "init" in operations:
        yield "without the real operation of 'init', the server would never be ready"


FAULT = Fault(
    name="noop",
    summary="the server answers with success and does nothing",
    inject=inject,
    refuses=refuses,
)
