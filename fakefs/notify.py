"""sd_notify(3): tell the service manager, or whoever set NOTIFY_SOCKET, how far we are."""

import os


def notify(*lines: str) -> None:
    """Send the lines as one datagram. Nothing happens where nobody asked. Raises OSError if they cannot be told."""
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
    """Bytes of names as the system has them; escapes for characters that the locale's encoding lacks."""
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        import sys

        return text.encode(sys.getfilesystemencoding(), "backslashreplace")


def one_line(text: str) -> str:
    """Text that cannot be mistaken for more than one assignment."""
    return " ".join(text.split("\n"))
