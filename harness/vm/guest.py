"""Runs in the guest: does what the orders in the shared folder say, and tells it there."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from harness import __version__
from harness.boundary import bug_text
from harness.errors import FusezapError
from harness.guard import preload
from harness.linux.kmsg import Log
from harness.model.records import STUCK, Kernel, Result, Series
from harness.record import record, replace
from harness.run import session
from harness.run.runner import SILENT, Listener
from harness.run.session import Plan
from harness.scenario import Scenario
from harness.vm import wire

if TYPE_CHECKING:
    from harness.launch.victim import Victim
    from harness.model.records import Attempt, Resolution, Snapshot, Verdict
    from harness.run.tally import Tally


@record(frozen=True, slots=True)
class Orders:
    """Pickled by the host: it is the guest that is not trusted."""

    plan: Plan
    scenarios: tuple[Scenario, ...]
    told: bool
    """Each step of a run is to be told."""
    dumped: bool = False
    """A run waits at its verdict until the host has a dump of this machine."""


class _Channel:
    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._number = 0

    def send(self, event: wire.Event) -> None:
        self._stream.write(wire.line(self._number, event))
        self._stream.flush()
        self._number += 1


class _Watcher:
    """Sends on what a session tells; the kernel's log is read when a series has ended."""

    def __init__(self, channel: _Channel, brief: bool) -> None:
        self._channel = channel
        self._brief = brief
        self._log = Log()
        self.tainted = False

    def began(self, scenario: Scenario, times: int) -> None:
        self._log.mark()
        self._channel.send(wire.Began(scenario.name, times))

    def counted(self, tally: Tally, result: Result | None) -> None:
        """The host keeps a tally of its own, for the case that the machine is lost."""
        if result is None:
            self._channel.send(wire.Counted(None, tally.errors[-1] if tally.errors else ""))
        else:
            self._channel.send(wire.Counted(result.without_evidence()))

    def ended(self, series: Series) -> None:
        self.tainted = self._log.tainted()
        examples = series.examples
        if self._brief:  # it takes an emulated processor longer to write than to find
            examples = tuple(each.without_evidence(reasons=True) for each in examples)
        self._channel.send(wire.Ended(replace(series, warnings=self._log.warnings(), examples=examples)))


class _Teller:
    """A listener that sends each step."""

    def __init__(self, channel: _Channel, dumped_by: Path | None) -> None:
        """`dumped_by`: the shared folder, where each verdict is to wait for a dump."""
        self._channel = channel
        self._dumped_by = dumped_by

    def arming(self, scenario: Scenario) -> None:
        """The host knows of it: the series has begun."""

    def armed(self, victim: Victim, snapshot: Snapshot, took_ms: float) -> None:
        self._send("armed", about=victim.about, init=victim.target.init, snapshot=snapshot, took_ms=took_ms)

    def killed(self, victim: Victim) -> None:
        self._send("killed", about=victim.about, init=victim.target.init)

    def looked(self, verdict: Verdict) -> None:
        self._send("looked", verdict=replace(verdict, graph=None, snapshots=()))

    def judged(self, verdict: Verdict, took_ms: float) -> None:
        self._send("judged", verdict=verdict, took_ms=took_ms)
        if self._dumped_by is not None and verdict.outcome in STUCK:
            from harness.vm import dump  # an import takes an emulated guest a while, and few runs are dumped

            dump.await_taken(self._dumped_by)

    def attempted(self, attempt: Attempt) -> None:
        self._send("attempted", attempt=attempt)

    def resolved(self, resolution: Resolution) -> None:
        self._send("resolved", resolution=resolution)

    def kept(self, victim: Victim, run: str, remedy: str) -> None:
        raise NotImplementedError("a virtual machine ends with its runs")

    def finished(self, result: Result) -> None:
        self._send("finished", result=result)

    def _send(self, step: str, **values: Any) -> None:
        self._channel.send(wire.Step(step, **values))


def main(folder: Path) -> None:
    with (folder / wire.EVENTS).open("w", encoding="utf-8", errors="surrogateescape") as stream:
        channel = _Channel(stream)
        kernel = os.uname()
        channel.send(wire.Hello(Kernel(kernel.release, kernel.version, kernel.machine), __version__))
        orders: Orders = pickle.loads((folder / wire.ORDERS).read_bytes())
        preload.programs()
        try:
            _carry_out(orders, channel, lambda message: channel.send(wire.Said(message)), folder)
        except (FusezapError, OSError) as error:
            channel.send(wire.Failed(str(error)))
        except Exception as error:
            channel.send(wire.Failed(bug_text(error), bug=True))
        channel.send(wire.Bye())


def _carry_out(orders: Orders, channel: _Channel, say: Callable[[str], None], folder: Path) -> None:
    watcher = _Watcher(channel, orders.plan.brief)
    listener: Listener = _Teller(channel, folder if orders.dumped else None) if orders.told else SILENT
    for scenario in orders.scenarios:
        session.carry_out(orders.plan, (scenario,), listener, watcher, say)
        if watcher.tainted:
            return
