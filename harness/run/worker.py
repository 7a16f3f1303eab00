"""Runs scenarios for another process, one after the other: `python -m harness.run.worker FD PARENT`.

FD is a socket that carries pickled messages (multiprocessing.connection): for each `RunRequest` that arrives, a
`RunReply` is sent.  No other worker has this socket, so that a worker that is killed half way holds up no other.
SIGTERM, or the death of PARENT, ends the run under way and removes all that it made.
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
from harness.errors import FusezapError, MachineError
from harness.guard import preload
from harness.model.events import Counted
from harness.model.records import Outcome, Result
from harness.run.request import RunReply, RunRequest
from harness.run.runner import run_once


class Worker:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._running = False
        self._leaving = False
        self._met: set[tuple[str, Outcome]] = set()
        """Scenarios and outcomes of which a whole result was sent."""

    def serve(self) -> None:
        """Reply to requests until the other end closes, or SIGTERM arrives."""
        with contextlib.suppress(EOFError, ConnectionError):
            while not self._leaving:
                self._connection.send(self._reply(self._connection.recv()))
                gc.collect()  # the records of a run refer to each other in circles, and would pile up

    def leave(self, number: int, _: FrameType | None) -> None:
        """Raise in a run, so that it cleans up; a message that is being sent or received is completed."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        prctl.set_pdeathsig(signal.SIGKILL)  # should the parent be killed now, SIGTERM would not be heard
        self._leaving = True
        if self._running:
            raise SystemExit(128 + number)

    def _reply(self, request: RunRequest) -> RunReply:
        met = [outcome for scenario, outcome in self._met if scenario == request.scenario.name]
        self._running = True
        try:
            if self._leaving:
                raise SystemExit(128 + signal.SIGTERM)
            result = _result(request, met)
        except FusezapError as error:
            return RunReply(None, str(error), isinstance(error, MachineError))
        finally:
            self._running = False
        return RunReply(self._shortened(result))

    def _shortened(self, result: Result) -> Result:
        """The whole result for the first run of each outcome, and for the others what is counted of them."""
        met = (result.about.name, result.verdict.outcome)
        if met not in self._met:
            self._met.add(met)
            return result
        return result.without_evidence()


def _result(request: RunRequest, met: list[Outcome]) -> Result:
    *_, last = run_once(request, met)
    assert isinstance(last, Counted)
    assert last.result is not None
    return last.result


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
