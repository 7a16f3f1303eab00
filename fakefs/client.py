"""The other end of the control socket."""

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

from fakefs.errors import ControlError, ControlTimeoutError
from fakefs.journal import Entry, entry_of
from fakefs.protocol import Status, encode, status_of
from fakefs.sockets import reached

#: Seconds that a server may take beyond what it was asked to wait.
SLACK = 5.0

#: Longest answer, in bytes: that of `wait` has up to all entries that the server keeps.
LONGEST_ANSWER = 1 << 28


class Control:
    """Commands for a running fakefs. Each method opens a connection of its own, so all are thread safe.

    All raise ControlError with the server's words if it refuses, and ControlTimeoutError if it does not answer within
    `timeout` seconds.
    """

    def __init__(self, path: str | os.PathLike[str], timeout: float = 10.0) -> None:
        self.path = os.fspath(path)
        self.timeout = timeout

    def status(self) -> Status:
        """Held requests, rules with their counters, calls by operation."""
        return status_of(self._ask({"command": "status"}))

    def release(self, identity: int | None = None, errno: int | None = None) -> tuple[int, ...]:
        """Release one held request, or all; with `errno` they fail with it. Gives the ids of those released."""
        return tuple(self._ask({"command": "release", "id": identity, "errno": errno})["released"])

    def set(self, specs: Sequence[str]) -> None:
        """Replace the rules; counters begin at zero. What is held stays held."""
        self._ask({"command": "set", "specs": list(specs)})

    def clear(self) -> None:
        """No rules any more. What is held stays held."""
        self._ask({"command": "clear"})

    def wait(
        self,
        event: str | None = None,
        operation: str | None = None,
        path: str | None = None,
        *,
        count: int = 1,
        since: int = 0,
        timeout: float = 10.0,
    ) -> tuple[Entry, ...]:
        """The first `count` journal entries that match, also of before; `path` is a glob, `since` CLOCK_MONOTONIC in
        ns. Raises ControlTimeoutError if they did not happen within `timeout` seconds."""
        question = {
            "command": "wait",
            "event": event,
            "operation": operation,
            "path": path,
            "count": count,
            "since": since,
            "timeout": timeout,
        }
        return tuple(entry_of(record) for record in self._ask(question, timeout + SLACK)["entries"])

    def shutdown(self) -> None:
        """Release all, unmount, exit. Returns when the server begins with it."""
        self._ask({"command": "shutdown"})

    def exit(self) -> None:
        """The server's process exits at once, of its own will: nothing is released or unmounted by it."""
        self._ask({"command": "exit"})

    def _ask(self, question: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        try:
            with reached(self.path) as address, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout or self.timeout)
                connection.connect(address)
                connection.sendall(encode(question))
                with connection.makefile("rb") as lines:
                    line = lines.readline(LONGEST_ANSWER)
        except TimeoutError:
            words = f"{self.path}: no answer to {question['command']} within {timeout or self.timeout:g} s"
            raise ControlTimeoutError(words) from None
        except OSError as error:
            raise ControlError(f"{self.path}: {error.strerror or error}; is the server running?") from None
        if not line.endswith(b"\n"):
            raise ControlError(f"{self.path}: the server went away before it answered {question['command']}")
        try:
            answer: dict[str, Any] = json.loads(line)
            if answer["ok"]:
                return answer
            words = f"{question['command']}: " + "\n".join(answer["errors"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ControlError(f"{self.path}: what listens there is no fakefs") from None
        raise (ControlTimeoutError if answer.get("timeout") else ControlError)(words)
