"""The server's side of the control socket. It has its own threads, so it answers while FUSE requests are held."""

import os
import socket
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

from fakefs.errors import PolicyError
from fakefs.parse import assemble, read_specs
from fakefs.policy import Policy
from fakefs.program import complain
from fakefs.protocol import Held, Request, RuleState, Status, encode, parse_request, refusal
from fakefs.server import Served, Server

#: Longest request line, in bytes.
LONGEST_LINE = 1 << 20

#: Seconds between two attempts to accept a connection if one failed.
RETRY_S = 0.1


class Controller:
    """Answers the control requests of one server."""

    def __init__(
        self, server: Server, accept: Callable[[Policy], tuple[str, ...]], shutdown: Callable[[], None]
    ) -> None:
        """
        Args:
            server: The server.
            accept: Returns the problems that this mount has with a policy.
            shutdown: Starts the shutdown and returns at once.
        """
        self._server = server
        self._accept = accept
        self._shutdown = shutdown
        self._commands: dict[str, Callable[[Request], dict[str, Any]]] = {
            "status": self._status,
            "release": self._release,
            "set": self._set,
            "clear": self._clear,
            "wait": self._wait,
            "shutdown": lambda _request: {},
            "exit": lambda _request: {},
        }

    def listen(self, listener: socket.socket) -> None:
        """Serve connections in threads. The threads end with the process."""
        Thread(target=self._accept_all, args=(listener,), daemon=True, name="control").start()

    def _accept_all(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
                Thread(target=self._serve, args=(connection,), daemon=True, name="control-client").start()
            except (OSError, RuntimeError) as error:
                # The process has too many open files or threads; some of them may end in the meantime.
                complain(f"fakefs: control: {error}")
                time.sleep(RETRY_S)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            try:
                while line := lines.readline(LONGEST_LINE + 1):
                    if len(line) > LONGEST_LINE:
                        connection.sendall(encode(refusal(f"a request is longer than {LONGEST_LINE} bytes")))
                        return
                    request = parse_request(line)
                    connection.sendall(encode(self.answer(request)))
                    if isinstance(request, Request) and request.command == "shutdown":
                        self._shutdown()
                    if isinstance(request, Request) and request.command == "exit":
                        os._exit(0)
            except OSError as error:
                # The client went away. Its request was carried out.
                complain(f"fakefs: control: {error}")

    def answer(self, request: Request | tuple[str, ...]) -> dict[str, Any]:
        """Carry out one request.

        Args:
            request: The request, or the problems of a line that is not one.

        Returns:
            The answer, as JSON's types.
        """
        if isinstance(request, tuple):
            return refusal(*request)
        try:
            return {"ok": True, **self._commands[request.command](request)}
        except PolicyError as error:
            return refusal(*error.problems)

    def _status(self, _request: Request) -> dict[str, Any]:
        held = []
        for waiting in self._server.gate.held():
            served = waiting.what
            assert isinstance(served, Served)
            held.append(held_of(waiting.id, served, waiting.since))
        rules = tuple(RuleState(one.rule.spec(), one.matched, one.fired) for one in self._server.ledger.counts())
        return Status(tuple(held), rules, self._server.ledger.totals(), self._server.journal.broken).record()

    def _release(self, request: Request) -> dict[str, Any]:
        return {"released": list(self._server.gate.release(request.id, request.errno))}

    def _set(self, request: Request) -> dict[str, Any]:
        policy = assemble(read_specs(request.specs, "rule"))
        if refused := self._accept(policy):
            raise PolicyError(refused)
        self._server.ledger.replace(policy)
        return {}

    def _clear(self, _request: Request) -> dict[str, Any]:
        self._server.ledger.replace(Policy())
        return {}

    def _wait(self, request: Request) -> dict[str, Any]:
        entries = self._server.journal.wait(request.wanted, request.count, request.timeout)
        records = [entry.record() for entry in entries]
        if len(entries) >= request.count:
            return {"entries": records}
        return {
            "ok": False,
            "errors": [f"saw {len(entries)} of {request.count} in {request.timeout:g} s"],
            "timeout": True,
            "entries": records,
        }


def held_of(identity: int, served: Served, since: int) -> Held:
    """The record of a held request. Reads nothing about the caller that is not known yet."""
    caller = served.caller
    comm, pid_ns = caller.known() if caller else (None, None)
    return Held(
        id=identity,
        operation=served.call.operation,
        path=served.call.path,
        tid=caller.tid if caller else None,
        comm=comm,
        pid_ns=pid_ns,
        rule=served.choice.index if served.choice else None,
        since=since,
    )


def remove(path: str) -> None:
    """Remove the file of the socket. Reports a failure and continues."""
    try:
        os.unlink(path)
    except OSError as error:
        complain(f"fakefs: cannot remove the control socket: {error}")
