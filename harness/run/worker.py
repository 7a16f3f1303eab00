"""Runs for another process, one after the other: `python -m harness.run.worker FD PARENT`.

FD is a socket that carries pickled messages (multiprocessing.connection): an `Order` comes, its `Answer` goes.  It
belongs to this worker alone, so that one that is killed half way holds up no other.  SIGTERM, or the death of PARENT,
ends the run under way, with all that it made.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from multiprocessing.connection import Connection
from types import FrameType

import prctl

from harness.boundary import OTHERS, finish, status_of
from harness.guard import preload
from harness.model.records import Outcome, Result
from harness.run.order import Answer, Order, perform
from harness.run.runner import SILENT


class Worker:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._running = False
        self._leaving = False
        self._met: set[tuple[str, Outcome]] = set()
        """What it has sent whole."""

    def serve(self) -> None:
        """Until the other end closes, or this one is told to leave."""
        with contextlib.suppress(EOFError, ConnectionError):
            while not self._leaving:
                self._connection.send(self._answer(self._connection.recv()))
                gc.collect()  # the records of a run hold each other, and would pile up

    def leave(self, number: int, _: FrameType | None) -> None:
        """An exception in a run, so that it cleans up; but no message is broken off half way."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        prctl.set_pdeathsig(signal.SIGKILL)  # should the parent be killed now, SIGTERM would not be heard
        self._leaving = True
        if self._running:
            raise SystemExit(128 + number)

    def _answer(self, order: Order) -> Answer:
        self._running = True
        try:
            if self._leaving:
                raise SystemExit(128 + signal.SIGTERM)
            answer = perform(order, SILENT, lambda outcome: (order.scenario.name, outcome) not in self._met)
        finally:
            self._running = False
        return answer if answer.result is None else Answer(self._short(answer.result))

    def _short(self, result: Result) -> Result:
        """Whole only the first time that this worker met the outcome: the others are for the counts."""
        met = (result.about.name, result.verdict.outcome)
        if met not in self._met:
            self._met.add(met)
            return result
        return result.without_evidence()


def main(fd: int, parent: int) -> int:
    with Connection(fd) as connection:
        worker = Worker(connection)
        signal.signal(signal.SIGTERM, worker.leave)
        prctl.set_pdeathsig(signal.SIGTERM)
        if os.getppid() != parent:
            return OTHERS.refused
        preload.programs()
        gc.freeze()  # what was imported need not be looked through after each run
        worker.serve()
    return 0


if __name__ == "__main__":
    finish(status_of(lambda: main(int(sys.argv[1]), int(sys.argv[2])), OTHERS))
