"""The server's side of each request: the one place between the binding and the tree, where faults are injected."""

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

#: Operations whose first argument after the path is a second path.
TWO_PATHS = frozenset({"rename", "link"})

#: Returns the caller's user id, group id and thread id for the request that the thread answers; tid 0 is no caller.
Context = Callable[[], tuple[int, int, int]]


class Served:
    """A request that the server is answering. Faults use it as `fakefs.fault.Request`."""

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
        """Wait at the gate without holding a lock. Raises OSError if the request is released with an error."""
        if self.caller is not None:
            # Read them now, so that `status` and the journal show the caller of a held request.
            _ = self.caller.comm, self.caller.pid_ns
        gate = self._server.gate
        gate.enter(self.seq, self)
        self.journal("held")
        release = gate.wait(self.seq, seconds)
        self.journal("released")
        if release.errno is not None:
            raise OSError(release.errno, os.strerror(release.errno))


class Server(Answers):
    """The operations object. fusepy calls it for each operation, in a thread of libfuse."""

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
        """
        Args:
            tree: The filesystem.
            ledger: The rules and their counters.
            gate: The place where requests wait.
            journal: The journal.
            context: Returns the caller of the current request.
            interrupted: As in `Answers`.
            readable: Whether /proc has the callers; see `fakefs.calls.proc_is_ours`.
            mountpoint: Absolute path of the mountpoint.
        """
        super().__init__(tree, interrupted)
        self._readable = readable
        self.mountpoint = mountpoint
        self.ledger = ledger
        self.gate = gate
        self.journal = journal
        #: Runs when FUSE_INIT has arrived, before its answer.
        self.on_init: Callable[[], None] = lambda: None
        #: Runs before the answer to each operation, with its name.
        self.on_call: Callable[[str], None] = lambda _operation: None
        #: The thread to whose requests no rule applies: the one that checks that the root answers.
        self.probe: int | None = None
        self._context = context
        self._sequence = count()

    def init(self, owner: Owner, path: str) -> None:
        super().init(owner, path)
        self.on_init()

    def __call__(self, operation: str, path: str | None, *arguments: Any) -> object:
        """Answer one operation according to the policy.

        Raises:
            OSError: The answer is this error; fusepy sends it.
        """
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
            # A defect of fakefs. The binding logs it and answers EINVAL.
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
            reply = fault.inject(request, argument)
            return reply.value if isinstance(reply, Reply) else real(owner, *request.arguments)
        try:
            value = real(owner, *request.arguments)
        except OSError:
            # A rule with when=after fires after a failed operation, too.
            fault.inject(request, argument)
            raise
        try:
            fault.inject(request, argument)
        except OSError:
            self._undo_open(request, value)
            raise
        return value

    def _undo_open(self, request: Served, value: object) -> None:
        """Release the handle of an open that is answered with an error: the kernel sends no RELEASE for it."""
        if request.call.operation == "opendir":
            self.tree.release(int(str(value)))
        elif request.call.operation in ("open", "create"):
            self.tree.release(request.arguments[-1].fh)
