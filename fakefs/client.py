"""The client of the control socket."""

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

from fakefs.errors import ControlError, ControlTimeoutError
from fakefs.journal import Entry, entry_of
from fakefs.protocol import Status, encode, status_of
from fakefs.sockets import reached

#: Seconds that a server may take beyond the timeout of a `wait`.
SLACK = 5.0

#: Longest answer, in bytes. An answer to `wait` may have all entries that the server keeps.
LONGEST_ANSWER = 1 << 28


class Control:
    """Sends commands to a running fakefs.

    Each method opens a connection of its own, so all methods are thread safe.

    Raises:
        ControlError: From each method: the server refused the command, or cannot be reached.
        ControlTimeoutError: From each method: the server did not answer within `timeout` seconds.
    """

    def __init__(self, path: str | os.PathLike[str], timeout: float = 10.0) -> None:
        """
        Args:
            path: The control socket. It may be longer than the address of a socket has room for.
            timeout: Seconds that each command may take.
        """
        self.path = os.fspath(path)
        self.timeout = timeout

    def status(self) -> Status:
        """
        Returns:
            The held requests, the rules with their counters, and the number of calls by operation.
        """
        return status_of(self._request({"command": "status"}))

    def release(self, identity: int | None = None, errno: int | None = None) -> tuple[int, ...]:
        """Release held requests, so that they are answered.

        Args:
            identity: The id of one request (`Held.id`), or None for all of them.
            errno: The error with which to answer, from 1 to 511; None for the real operation.

        Returns:
            The ids of the released requests.
        """
        return tuple(self._request({"command": "release", "id": identity, "errno": errno})["released"])

    def set(self, specs: Sequence[str]) -> None:
        """Replace the rules. The counters start at zero; held requests stay held.

        Args:
            specs: Rules as text; see `fakefs.policy`.

        Raises:
            ControlError: A spec is wrong; the message lists every problem, and the rules stay as they were.
        """
        self._request({"command": "set", "specs": list(specs)})

    def clear(self) -> None:
        """Remove all rules. Held requests stay held."""
        self._request({"command": "clear"})

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
        """Wait for entries of the journal. Entries that were written before the call count as well.

        Args:
            event: One of `fakefs.journal.EVENTS`; None matches every event.
            operation: One of `fakefs.calls.OPERATIONS`; None matches every operation.
            path: A glob for the path or the second path; None matches every path.
            count: The number of entries to wait for.
            since: Ignore entries before this time: CLOCK_MONOTONIC in nanoseconds.
            timeout: Seconds to wait.

        Returns:
            The first `count` entries that match.

        Raises:
            ControlTimeoutError: Fewer than `count` entries matched within `timeout` seconds.
        """
        request = {
            "command": "wait",
            "event": event,
            "operation": operation,
            "path": path,
            "count": count,
            "since": since,
            "timeout": timeout,
        }
        return tuple(entry_of(record) for record in self._request(request, timeout + SLACK)["entries"])

    def shutdown(self) -> None:
        """Make the server release all requests, unmount and exit. Returns when the server starts to do so."""
        self._request({"command": "shutdown"})

    def exit(self) -> None:
        """Make the server's process exit at once, by exit_group(2). It releases and unmounts nothing."""
        self._request({"command": "exit"})

    def _request(self, request: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        try:
            with reached(self.path) as address, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout or self.timeout)
                connection.connect(address)
                connection.sendall(encode(request))
                with connection.makefile("rb") as lines:
                    line = lines.readline(LONGEST_ANSWER)
        except TimeoutError:
            words = f"{self.path}: no answer to {request['command']} within {timeout or self.timeout:g} s"
            raise ControlTimeoutError(words) from None
        except OSError as error:
            raise ControlError(f"{self.path}: {error.strerror or error}; is the server running?") from None
        if not line.endswith(b"\n"):
            raise ControlError(f"{self.path}: the server went away before it answered {request['command']}")
        try:
            answer: dict[str, Any] = json.loads(line)
            if answer["ok"]:
                return answer
            words = f"{request['command']}: " + "\n".join(answer["errors"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ControlError(f"{self.path}: the program that listens there is not fakefs") from None
        raise (ControlTimeoutError if answer.get("timeout") else ControlError)(words)
