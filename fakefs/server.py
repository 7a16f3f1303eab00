"""The server's side of each request: one interception point between fusepy and the real operations."""

import errno
import os
from collections.abc import Callable
from itertools import count
from typing import Any

from fakefs.answers import Answers
from fakefs.calls import Call, LiveCaller
from fakefs.fault import Reply
from fakefs.faults import FAULTS
from fakefs.gate import Gate
from fakefs.journal import Entry, Journal, who
from fakefs.ledger import Choice, Ledger
from fakefs.policy import When
from fakefs.tree import Owner, Tree

#: Operations with a second path, the one after the first.
TWO_PATHS = frozenset({"rename", "link"})

#: What the kernel says of the request that is being answered: (uid, gid, tid); tid 0 is 'no caller'.
Context = Callable[[], tuple[int, int, int]]


class Served:
    """A request while it is answered: what its fault may do with it."""

    __slots__ = ("_server", "arguments", "call", "caller", "choice", "seq")

    def __init__(
        self,
        server: "Server",
        seq: int,
        call: Call,
        caller: LiveCaller | None,
        arguments: tuple[Any, ...],
        choice: Choice | None,
    ) -> None:
        self._server = server
        self.caller = caller
        self.choice = choice
        self.seq = seq
        self.call = call
        self.arguments = arguments

    @property
    def mountpoint(self) -> str:
        return self._server.mountpoint

    def journal(self, event: str, result: int | None = None) -> None:
        choice = self.choice
        self._server.journal.add(
            Entry(
                seq=self.seq,
                time=0,
                event=event,
                operation=self.call.operation,
                path=self.call.path,
                other=self.call.other,
                caller=who(self.caller),
                rule=choice.index if choice else None,
                spec=choice.rule.spec() if choice else None,
                result=result,
            )
        )

    def hold(self, seconds: float | None) -> None:
        """Wait at the gate; no lock is held meanwhile. Raises OSError if released with an errno."""
        if self.caller is not None:
            # Whoever looks at a held request wants to know whose it is.
            _ = self.caller.comm, self.caller.pid_ns
        gate = self._server.gate
        gate.enter(self.seq, self)
        self.journal("held")
        release = gate.wait(self.seq, seconds)
        self.journal("released")
        if release.errno is not None:
            raise OSError(release.errno, os.strerror(release.errno))


class Server(Answers):
    """fusepy's Operations. fusepy calls the object itself for each operation, in a thread of libfuse."""

    def __init__(
        self,
        tree: Tree,
        ledger: Ledger,
        gate: Gate,
        journal: Journal,
        context: Context,
        interrupted: Callable[[], bool] | None = None,
        readable: bool = True,
        mountpoint: str = "",
    ) -> None:
        """`interrupted` as in Answers; `readable`: whether callers can be looked up in /proc."""
        super().__init__(tree, interrupted)
        self._readable = readable
        self.mountpoint = mountpoint
        self.ledger = ledger
        self.gate = gate
        self.journal = journal
        #: Runs when FUSE_INIT has come, before it is answered.
        self.on_init: Callable[[], None] = lambda: None
        #: Told of each operation before it is answered.
        self.on_call: Callable[[str], None] = lambda _operation: None
        #: The thread whose requests no rule is asked about: the one that checks that the root answers.
        self.probe: int | None = None
        self._context = context
        self._sequence = count()

    def init(self, owner: Owner, path: str) -> None:
        super().init(owner, path)
        self.on_init()

    def __call__(self, operation: str, path: str | None, *arguments: Any) -> object:
        """Answer one operation as the policy says. Raises OSError for an answer with an error, as fusepy expects."""
        self.on_call(operation)
        uid, gid, tid = self._context()
        caller = LiveCaller(tid, self._readable) if tid else None
        other = arguments[0] if operation in TWO_PATHS else None
        call = Call(operation, path, caller, other)
        choice = None if tid and tid == self.probe else self.ledger.choose(call)
        request = Served(self, next(self._sequence), call, caller, (path, *arguments), choice)
        request.journal("called")
        try:
            value = self._answer(request, choice, Owner(uid, gid))
        except OSError as error:
            request.journal("replied", -(error.errno or errno.EINVAL))
            raise
        except Exception:
            # A defect of ours. fusepy logs it and answers EINVAL.
            request.journal("replied", -errno.EINVAL)
            raise
        request.journal("replied", 0)
        return value

    def _answer(self, request: Served, choice: Choice | None, owner: Owner) -> object:
        real: Callable[..., object] = getattr(self, request.call.operation)
        if choice is None:
            return real(owner, *request.arguments)
        fault, argument = FAULTS[choice.rule.fault], choice.rule.argument
        if choice.rule.when is When.BEFORE:
            reply = fault.strike(request, argument)
            return reply.value if isinstance(reply, Reply) else real(owner, *request.arguments)
        try:
            value = real(owner, *request.arguments)
        except OSError:
            # What comes after the real operation comes after its failure as well.
            fault.strike(request, argument)
            raise
        try:
            fault.strike(request, argument)
        except OSError:
            self._undo_open(request, value)
            raise
        return value

    def _undo_open(self, request: Served, value: object) -> None:
        """An open that is answered with an error gets no RELEASE: its handle would stay for ever."""
        if request.call.operation == "opendir":
            self.tree.release(int(str(value)))
        elif request.call.operation in ("open", "create"):
            self.tree.release(request.arguments[-1].fh)
