"""nest: the server opens and syncs another file of its own mount, in a thread of its own, and leaves it open.

The operation itself goes on meanwhile, so a server with one loop can answer the nested requests.
"""

import os
import sys
from _thread import start_new_thread

from fakefs.fault import Argument, Fault, Request


def parse(text: str) -> str:
    if not text.startswith("/") or text.endswith("/"):
        raise ValueError(f"{text!r} is no path of the form /folder/file (it is seen from the mountpoint)")
    return text


def strike(request: Request, argument: Argument) -> None:
    start_new_thread(_open_and_sync, (request.mountpoint + str(argument),))


def _open_and_sync(path: str) -> None:
    try:
        os.fsync(os.open(path, os.O_RDWR))
    except OSError as error:
        print(f"fakefs: nest: {error}", file=sys.stderr)


FAULT = Fault(
    name="nest",
    summary="a thread of the server opens that other file of its own mount, syncs it and leaves it open",
    strike=strike,
    metavar="PATH",
    parse=parse,
)
