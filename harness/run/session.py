"""A session: each scenario of a command, run as often as its options say, and counted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import FusezapError, Interrupted, MachineError
from harness.linux import features
from harness.model.events import Began, Counted, Ended, Event, Said
from harness.model.terms import Kind, Outcome
from harness.record import record
from harness.run.request import RunRequest
from harness.run.runner import run_once
from harness.scenario import Scenario
from harness.scenario.steps import about

if TYPE_CHECKING:
    from harness.run.pool import Workers
    from harness.run.tally import Tally

ENDLESS = 1 << 31


@record(frozen=True, slots=True)
class SessionOptions:
    """Options of a session: the number of runs of each scenario, the end of a series, and the acts of each run."""

    times: int = 1
    """Runs of each scenario, but for those in `times_by_name`."""
    times_by_name: tuple[tuple[str, int], ...] = ()
    jobs: int = 1
    """Runs at a time."""
    until: Outcome | None = None
    """Ends a series at the first run of this outcome."""
    rate: float | None = None
    """The rate of a race that is looked for; it ends a series at the first run that shows the defect."""
    confidence: float = 0.95
    """The confidence of the intervals; with `rate`, of the statement that the race would have shown."""
    resolver: str | None = None
    patience_s: float | None = None
    keep: bool = False
    futile: bool = False
    out: Path | None = None
    brief: bool = False
    """Nobody reads more of the runs than their outcomes and the reasons."""

    @property
    def repeated(self) -> bool:
        return self.times > 1 or self.jobs > 1 or any(times > 1 for _, times in self.times_by_name)

    def times_of(self, name: str) -> int:
        """The runs of the scenario of that name."""
        return dict(self.times_by_name).get(name, self.times)

    def enough(self, scenario: Scenario, outcome: Outcome) -> bool:
        """True if a run of this outcome ends the series."""
        hit = self.rate is not None and scenario.kind is Kind.DEFECT and outcome is not scenario.want
        return outcome is self.until or hit

    def request(self, scenario: Scenario) -> RunRequest:
        """One run of the session."""
        return RunRequest(
            scenario, self.resolver, self.patience_s, self.out, keep=self.keep, futile=self.futile, brief=self.brief
        )


def run_session(options: SessionOptions, scenarios: tuple[Scenario, ...]) -> Generator[Event]:
    """Run the scenarios, one series after the other.  Closing the iterator ends the runs under way.

    An Interrupted that is raised here, or thrown into the iterator (`deliver`), ends the series under way: Ended with
    the runs counted so far is yielded before it is raised again.

    Args:
        options: How often, and how.
        scenarios: In this order.

    Yields:
        For each scenario Began, the events of its runs and Ended; Ended alone where this machine lacks something.

    Raises:
        MachineError: This machine cannot run a scenario at all.
        GuardError: A worker process died.
        Interrupted: A signal arrived.
    """
    with ExitStack() as stack:
        pool = None
        if options.repeated:
            from harness.run.pool import workers

            pool = stack.enter_context(workers(options.jobs))
        for scenario in scenarios:
            yield from _Series(options, scenario).events(pool)


def deliver(events: Generator[Event], take: Callable[[Event], None]) -> None:
    """Hand each event to `take`; an Interrupted in `take` is thrown into the source, which then ends its series.

    Args:
        events: The source; it is closed at the end, whatever happens.
        take: The consumer.

    Raises:
        Interrupted: A signal arrived, in the source or in the consumer.
    """
    with closing(events):
        try:
            for event in events:
                take(event)
        except Interrupted as interrupted:
            take(events.throw(interrupted))  # a source that has ended by it raises it at once
            for event in events:
                take(event)


class _Series:
    """The runs of one scenario."""

    def __init__(self, options: SessionOptions, scenario: Scenario) -> None:
        self._options = options
        self._scenario = scenario
        self._times = options.times_of(scenario.name)
        self._tally: Tally | None = None

    def events(self, pool: Workers | None) -> Generator[Event]:
        missing = features.lacking(self._scenario.requires)
        if missing:
            yield Ended(self._counted().series(missing=missing))
            return
        start = time.monotonic()
        interrupted: Interrupted | None = None
        try:
            yield Began(self._scenario.name, self._scenario.summary, self._times)
            yield from self._single() if pool is None else self._pooled(pool)
        except Interrupted as error:
            interrupted = error
        if (tally := self._tally) is not None:
            note = _note(self._options, self._scenario, tally)
            if interrupted is not None:
                note = f"interrupted after {tally.runs} runs"
            yield Ended(tally.series(note=note, duration_s=time.monotonic() - start))
        if interrupted is not None:
            raise interrupted

    def _single(self) -> Generator[Event]:
        """One run, in this process."""
        try:
            with closing(run_once(self._options.request(self._scenario))) as events:
                for event in events:
                    if isinstance(event, Counted):
                        self._count(event)
                    yield event
        except MachineError:
            raise
        except FusezapError as error:
            yield from self._failed(str(error))

    def _pooled(self, pool: Workers) -> Generator[Event]:
        with closing(pool.runs(self._options.request(self._scenario), self._times)) as replies:
            for reply in replies:
                if reply.broken:
                    raise MachineError(reply.error)
                if reply.result is None:
                    yield from self._failed(reply.error)
                    continue
                event = Counted(reply.result)
                self._count(event)
                yield event
                if self._options.enough(self._scenario, reply.result.verdict.outcome):
                    return

    def _count(self, event: Counted) -> None:
        if event.result is not None:
            self._counted().add(event.result)
        else:
            self._counted().add_error(event.error)

    def _failed(self, error: str) -> Generator[Event]:
        event = Counted(None, error)
        self._count(event)
        yield Said(f"{self._scenario.name}: {error}")
        yield event

    def _counted(self) -> Tally:
        """The tally, made late: its modules are imported while the first server starts."""
        if self._tally is None:
            from harness.model.records import Kernel
            from harness.run.tally import Tally

            kernel = os.uname()
            kernel_record = Kernel(kernel.release, kernel.version, kernel.machine)
            self._tally = Tally(kernel_record, about(self._scenario), self._options.confidence)
        return self._tally


def _note(options: SessionOptions, scenario: Scenario, tally: Tally) -> str:
    """The statement that the number of runs allows."""
    if options.rate is not None and scenario.kind is Kind.DEFECT:
        hits = tally.runs - tally.count(scenario.want)
        if hits:
            return f"seen in run {tally.runs}: no need of more"
        return (
            f"not seen in {tally.runs} runs: had it a rate of {options.rate:.3g}, it would have shown "
            f"with a probability of {options.confidence:.4g}"
        )
    if options.until is not None:
        if tally.count(options.until):
            return f"{options.until} after {tally.runs} runs"
        return f"no {options.until} in {tally.runs} runs"
    return ""
