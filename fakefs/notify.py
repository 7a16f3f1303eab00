"""sd_notify(3): reports the state of a program to the socket that NOTIFY_SOCKET names."""

import os


def notify(*lines: str) -> None:
    """Send assignments to NOTIFY_SOCKET as one datagram. Does nothing if NOTIFY_SOCKET is not set.

    Args:
        lines: Assignments, such as `READY=1`. A value must not contain a newline; see `one_line`.

    Raises:
        OSError: The datagram cannot be sent.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    import socket
    from contextlib import nullcontext

    from fakefs.sockets import reached

    abstract = address.startswith("@")
    where = nullcontext("\0" + address[1:]) if abstract else reached(address)
    with where as reachable, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto(encode("\n".join(lines)), reachable)


def encode(text: str) -> bytes:
    """The bytes of names as the system has them, with escapes for characters that the locale cannot encode."""
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        import sys

        return text.encode(sys.getfilesystemencoding(), "backslashreplace")


def one_line(text: str) -> str:
    """The text without newlines, so that it cannot be read as another assignment."""
    return " ".join(text.split("\n"))
