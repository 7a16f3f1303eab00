"""Many runs, some at a time, each in a worker process with a guard of its own: they share nothing but the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, Pipe, wait

from harness.boundary import OTHERS
from harness.errors import BugError, FusezapError, GuardError
from harness.run.order import Answer, Order

END_S = 30.0
"""So long may a worker take to clean up before its guard has to."""


class _Worker:
    """`python -m harness.run.worker`, and our end of its socket.

    A pidfd tells its death: the guard that it forked has the socket open too, and lives a moment longer.
    """

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        argv = [sys.executable, "-P", "-m", "harness.run.worker", str(theirs.fileno()), str(os.getpid())]
        with theirs:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # of a terminal's Ctrl-C it hears from us
            )
        self._pidfd = os.pidfd_open(self._process.pid)

    @property
    def sources(self) -> tuple[Connection, int]:
        """Readable when there is an answer, or never will be."""
        return self._connection, self._pidfd

    def send(self, order: Order) -> None:
        try:
            self._connection.send(order)
        except ConnectionError as error:
            raise self._gone() from error

    def receive(self) -> Answer:
        """What its sources promised; GuardError where the worker has ended instead."""
        if self._connection not in wait(self.sources):
            raise self._gone()
        try:
            answer: Answer = self._connection.recv()
        except (EOFError, ConnectionError) as error:
            raise self._gone() from error
        return answer

    def tell_to_leave(self) -> None:
        self._process.terminate()
        self._connection.close()

    def end(self) -> None:
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._pidfd)

    def _gone(self) -> FusezapError:
        status = self._process.wait()
        if status == OTHERS.bug:
            return BugError("a worker process met a bug of fusezap's own, and told it above")
        how = f"was killed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"
        return GuardError(f"a worker process {how}", "`fusezap clean` shows whether it left anything")


class Workers:
    """At most `jobs` processes, started when there is work for them."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    def runs(self, order: Order, times: int) -> Generator[Answer]:
        """`times` of them, as they come; closing the iterator hands out no more, and waits for none.

        GuardError when a worker dies.
        """
        self._discard()
        given = 0
        while given < min(times, self._jobs):
            self._give(order)
            given += 1
        while self._busy:
            for worker in self._ready():
                answer = self._take(worker)
                if given < times:
                    self._give(order)
                    given += 1
                yield answer

    def end(self) -> None:
        """With all that they made."""
        workers = [*self._idle, *self._busy]
        for worker in workers:
            worker.tell_to_leave()
        for worker in workers:
            worker.end()

    def _discard(self) -> None:
        """What was under way when an iterator was closed: the next series is to have the machine for itself."""
        while self._busy:
            for worker in self._ready():
                self._take(worker)

    def _take(self, worker: _Worker) -> Answer:
        answer = worker.receive()
        self._busy.remove(worker)
        self._idle.append(worker)
        return answer

    def _give(self, order: Order) -> None:
        self._busy.append(self._idle.pop() if self._idle else _Worker())
        self._busy[-1].send(order)

    def _ready(self) -> list[_Worker]:
        ready = set(wait([source for worker in self._busy for source in worker.sources]))
        return [worker for worker in self._busy if ready.intersection(worker.sources)]


@contextmanager
def workers(jobs: int) -> Iterator[Workers]:
    """Leaving the block, for whatever reason, ends the runs under way."""
    made = Workers(jobs)
    try:
        yield made
    finally:
        made.end()
