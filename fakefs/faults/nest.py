"""nest: a thread of the server opens and syncs another file of its own mount, and leaves it open.

The operation waits for that thread, but only for a short time: a server with one thread answers the nested requests
only after the operation.
"""

import os
from threading import Thread

from fakefs.fault import Argument, Fault, Request
from fakefs.program import complain
from fakefs.text import shown

#: Seconds that the operation waits for the thread.
PATIENCE_S = 0.25


def parse(text: str) -> str:
    if not text.startswith("/") or text.endswith("/"):
        raise ValueError(f"{shown(text)} is no path of the form /folder/file (it is seen from the mountpoint)")
    return text


def inject(request: Request, argument: Argument) -> None:
    thread = Thread(target=_open_and_sync, args=(request.mountpoint + str(argument),), daemon=True)
    thread.start()
    thread.join(PATIENCE_S)


def _open_and_sync(path: str) -> None:
    try:
        os.fsync(os.open(path, os.O_RDWR))
    except OSError as error:
        complain(f"fakefs: nest: {error}")


FAULT = Fault(
    name="nest",
    summary="a thread of the server opens that other file of its own mount, syncs it and leaves it open",
    inject=inject,
    metavar="PATH",
    parse=parse,
)
