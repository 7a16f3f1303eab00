"""errno: the server answers with an error.

ENOSYS has a lasting effect: the kernel never sends such an operation (flush, fsync, access, xattrs, ...) again on that
mount (`fc->no_flush` and its like, fs/fuse/fuse_i.h).
"""

import errno
import os
from collections.abc import Iterator

from fakefs.calls import SESSION
from fakefs.fault import Argument, Fault, Request
from fakefs.names import nearest
from fakefs.text import shown

#: The kernel accepts errors down to -511 in a reply (fuse_dev_do_write(), fs/fuse/dev.c).
LARGEST = 511

#: Numbers of so many digits or more are too large.
DIGITS = 9


def parse(text: str) -> int:
    """The number of an error, from its name such as EIO or its number. Raises ValueError."""
    if text.isdecimal():
        number = int(text[:DIGITS])
        if len(text) >= DIGITS or not 1 <= number <= LARGEST:
            raise ValueError(f"{shown(text)}: an errno is between 1 and {LARGEST}; the kernel accepts no other")
        return number
    found = getattr(errno, text, None)
    if not text.startswith("E") or not isinstance(found, int):
        raise ValueError(f"unknown errno {shown(text)}{nearest(text.upper(), errno.errorcode.values())}")
    return found


def show(number: int) -> str:
    return errno.errorcode.get(int(number), str(int(number)))


def inject(_request: Request, argument: Argument) -> None:
    number = int(argument or errno.EIO)
    raise OSError(number, os.strerror(number))


def refuses(operations: frozenset[str], _after: bool) -> Iterator[str]:
    """Refuse INIT and DESTROY: libfuse's high-level interface has no place for an error in their replies."""
    for name in sorted(operations & SESSION):
        yield f"{name!r} cannot answer with an error"


FAULT = Fault(
    name="errno",
    summary="the server answers with an error, given by its name or number",
    inject=inject,
    metavar="ERRNO",
    parse=parse,
    show=show,
    refuses=refuses,
)
