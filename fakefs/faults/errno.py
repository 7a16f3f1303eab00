"""errno: answers with an error.

ENOSYS has a memory: the kernel never sends such an operation (flush, fsync, access, xattrs, ...) again on that mount.
"""

import errno
import os
from collections.abc import Iterator

from fakefs.calls import SESSION
from fakefs.fault import Argument, Fault, Request
from fakefs.names import nearest
from fakefs.text import shown

#: fuse_dev_do_write() accepts an error of more than -512 in a reply.
LARGEST = 511

#: Numbers of so many digits or more are too large.
DIGITS = 9


def parse(text: str) -> int:
    """An error name such as EIO, or a number from 1 to 511."""
    if text.isdecimal():
        number = int(text[:DIGITS])
        if len(text) >= DIGITS or not 1 <= number <= LARGEST:
            raise ValueError(f"{shown(text)}: an errno is between 1 and {LARGEST}, the kernel takes no other")
        return number
    found = getattr(errno, text, None)
    if not text.startswith("E") or not isinstance(found, int):
        raise ValueError(f"unknown errno {shown(text)}{nearest(text.upper(), errno.errorcode.values())}")
    return found


def show(number: int) -> str:
    return errno.errorcode.get(int(number), str(int(number)))


def strike(_request: Request, argument: Argument) -> None:
    number = int(argument or errno.EIO)
    raise OSError(number, os.strerror(number))


def refuses(operations: frozenset[str], _after: bool) -> Iterator[str]:
    """The replies to INIT and DESTROY have no place for an error in libfuse's high-level interface."""
    for name in sorted(operations & SESSION):
        yield f"{name!r} cannot answer with an error"


FAULT = Fault(
    name="errno",
    summary="answers with an error, by name or number",
    strike=strike,
    metavar="ERRNO",
    parse=parse,
    show=show,
    refuses=refuses,
)
