"""The receiving end of sd_notify(3): how a program says that it is ready, and who it is.

SO_PASSCRED makes the kernel add the sender's PID, translated to our PID namespace: no program has to be believed
about its own number.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

from fakefs.sockets import reached
from harness.errors import LaunchError
from harness.record import record

_UCRED = struct.Struct("iII")
_LOG_LINES = 12


@record(frozen=True, slots=True)
class Ready:
    pid: int
    fields: tuple[tuple[str, str], ...]

    def values(self, key: str) -> list[str]:
        return [value for name, value in self.fields if name == key]


class Notifications:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with reached(path) as address:
            self._socket.bind(address)
        os.chmod(path, 0o600)

    def close(self) -> None:
        self._socket.close()

    def ready(self, who: str, deadline_s: float, log: Path, alive: Callable[[], bool]) -> Ready:
        """The next READY=1; LaunchError with the program's own last words when it fails, ends or takes too long."""
        end = time.monotonic() + deadline_s
        while True:
            self._socket.settimeout(0.25)
            try:
                data, control, _, _ = self._socket.recvmsg(8192, socket.CMSG_SPACE(_UCRED.size))
            except TimeoutError:
                if not alive():
                    raise LaunchError(f"{who} ended before it was ready", _last_words(log)) from None
                if time.monotonic() > end:
                    raise LaunchError(f"{who} was not ready after {deadline_s:g} s", _last_words(log)) from None
                continue
            pid = next(
                (_UCRED.unpack(raw)[0] for _, kind, raw in control if kind == socket.SCM_CREDENTIALS),
                0,
            )
            lines = [line.partition("=") for line in data.decode("utf-8", "replace").splitlines()]
            message = Ready(pid, tuple((key, value) for key, _, value in lines))
            if message.values("ERRNO"):
                raise LaunchError(f"{who}: {' '.join(message.values('STATUS'))}", _last_words(log))
            if message.values("READY") == ["1"]:
                return message


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        return ""
    return "its last words:\n  " + "\n  ".join(lines) if lines else ""
