"""Runs in the guest: carries out the request in the shared folder, and writes the events there."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from harness import __version__
from harness.boundary import bug_text
from harness.errors import FusezapError
from harness.guard import preload
from harness.linux.kmsg import Log
from harness.model.events import Counted, Ended, Event, Failed, Judged, Looked, Step
from harness.model.records import STUCK, Kernel
from harness.record import record, replace
from harness.run.session import SessionOptions, run_session
from harness.scenario import Scenario
from harness.vm import wire


@record(frozen=True, slots=True)
class GuestRequest:
    """The host's request to a guest.  The host pickles it: the untrusted side is the guest."""

    options: SessionOptions
    scenarios: tuple[Scenario, ...]
    steps: bool
    """Send each step of a run, and its whole result."""
    dumped: bool = False
    """Wait at each verdict on something stuck until the host has a dump of this machine."""


class _Channel:
    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._number = 0

    def send(self, event: wire.Line) -> None:
        self._stream.write(wire.line(self._number, event))
        self._stream.flush()
        self._number += 1


def main(folder: Path) -> None:
    with (folder / wire.EVENTS).open("w", encoding="utf-8", errors="surrogateescape") as stream:
        channel = _Channel(stream)
        kernel = os.uname()
        channel.send(wire.Hello(Kernel(kernel.release, kernel.version, kernel.machine), __version__))
        request: GuestRequest = pickle.loads((folder / wire.REQUEST).read_bytes())
        preload.programs()
        try:
            for event in _events(request):
                channel.send(event)
                if request.dumped and isinstance(event, Judged) and event.verdict.outcome in STUCK:
                    from harness.vm import dump  # an import takes an emulated guest a while, and few runs are dumped

                    dump.await_taken(folder)
        except (FusezapError, OSError) as error:
            channel.send(Failed(str(error)))
        except Exception as error:
            channel.send(Failed(bug_text(error), bug=True))
        channel.send(wire.Bye())


def _events(request: GuestRequest) -> Iterator[Event]:
    """The events of the session, as far as the host asks for them; the kernel's log is read when a series has ended.

    A kernel that has become tainted ends the session: later runs would prove nothing.
    """
    log = Log()
    for scenario in request.scenarios:
        tainted = False
        log.mark()
        for event in run_session(request.options, (scenario,)):
            match event:
                case Counted(result=result) if result is not None and not request.steps:
                    yield Counted(result.without_evidence())
                case Ended(series=series):
                    tainted = log.tainted()
                    examples = series.examples
                    if request.options.brief:  # an emulated processor takes longer to write evidence than to find it
                        examples = tuple(each.without_evidence(reasons=True) for each in examples)
                    yield Ended(replace(series, warnings=log.warnings(), examples=examples))
                case Looked(verdict=verdict):
                    if request.steps:
                        yield Looked(replace(verdict, graph=None, snapshots=()))
                case _:
                    if request.steps or not isinstance(event, Step):
                        yield event
        if tainted:
            return
