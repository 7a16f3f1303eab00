"""Many runs, several at a time, each in a worker process with a guard of its own: they share only the machine."""

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
from harness.run.request import RunReply, RunRequest

END_S = 30.0
"""Grace period for a worker to clean up before it is killed and its guard takes over."""


class _Worker:
    """A process `python -m harness.run.worker`, and our end of its socket.

    The end of the socket does not show its death: the guard that it forked has the socket open too, and lives a moment
    longer.  A pidfd does: it is readable once the process has exited (do_notify_pidfd()).
    """

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        argv = [sys.executable, "-P", "-m", "harness.run.worker", str(theirs.fileno()), str(os.getpid())]
        with theirs:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a terminal's Ctrl-C does not reach it: we end it
            )
        self._pidfd = os.pidfd_open(self._process.pid)

    @property
    def sources(self) -> tuple[Connection, int]:
        """Readable when a reply is there, or when none will come."""
        return self._connection, self._pidfd

    def send(self, request: RunRequest) -> None:
        try:
            self._connection.send(request)
        except ConnectionError as error:
            raise self._gone() from error

    def receive(self) -> RunReply:
        """The reply, once `sources` are readable; GuardError when the worker has ended instead."""
        if self._connection not in wait(self.sources):
            raise self._gone()
        try:
            reply: RunReply = self._connection.recv()
        except (EOFError, ConnectionError) as error:
            raise self._gone() from error
        return reply

    def terminate(self) -> None:
        """Ask it to end its run and to leave."""
        self._process.terminate()
        self._connection.close()

    def reap(self) -> None:
        """Wait for its end, which `terminate` has asked for."""
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._pidfd)

    def _gone(self) -> FusezapError:
        status = self._process.wait()
        if status == OTHERS.bug:
            return BugError("a worker process met a bug of fusezap's own, and reported it above")
        how = f"was killed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"
        return GuardError(f"a worker process {how}", "`fusezap clean` shows whether it left anything")


class Workers:
    """At most `jobs` worker processes, each started when there is work for it."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    def runs(self, request: RunRequest, times: int) -> Generator[RunReply]:
        """Run a request several times.  Closing the iterator starts no more runs, and waits for none.

        Args:
            request: The run.
            times: How often.

        Yields:
            The reply to each run, in the order in which the runs end.

        Raises:
            GuardError: A worker died.
        """
        self._discard()
        given = 0
        while given < min(times, self._jobs):
            self._give(request)
            given += 1
        while self._busy:
            for worker in self._ready():
                reply = self._take(worker)
                if given < times:
                    self._give(request)
                    given += 1
                yield reply

    def end(self) -> None:
        """End all workers, with the runs under way and all that these made."""
        workers = [*self._idle, *self._busy]
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.reap()

    def _discard(self) -> None:
        """Wait for the runs of an iterator that was closed: the next series has the machine for itself."""
        while self._busy:
            for worker in self._ready():
                self._take(worker)

    def _take(self, worker: _Worker) -> RunReply:
        reply = worker.receive()
        self._busy.remove(worker)
        self._idle.append(worker)
        return reply

    def _give(self, request: RunRequest) -> None:
        self._busy.append(self._idle.pop() if self._idle else _Worker())
        self._busy[-1].send(request)

    def _ready(self) -> list[_Worker]:
        ready = set(wait([source for worker in self._busy for source in worker.sources]))
        return [worker for worker in self._busy if ready.intersection(worker.sources)]


@contextmanager
def workers(jobs: int) -> Iterator[Workers]:
    """Worker processes; leaving the block, for whatever reason, ends the runs under way."""
    made = Workers(jobs)
    try:
        yield made
    finally:
        made.end()
