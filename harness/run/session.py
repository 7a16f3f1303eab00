"""What one command does: each of its scenarios, as often as was asked for, counted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.errors import Interrupted, MachineError
from harness.linux import features
from harness.model.terms import Kind, Outcome
from harness.record import record
from harness.run.order import Answer, Order, perform
from harness.scenario import Scenario
from harness.scenario.steps import about

if TYPE_CHECKING:
    from harness.model.records import Result, Series
    from harness.run.pool import Workers
    from harness.run.runner import Listener
    from harness.run.tally import Tally

ENDLESS = 1 << 31


@record(frozen=True, slots=True)
class Plan:
    """How often, and when it is enough."""

    times: int = 1
    jobs: int = 1
    until: Outcome | None = None
    """Stops a series at the first run of this outcome."""
    rate: float | None = None
    """Of a race that is looked for, with `confidence`: as many runs as that takes, or up to the first hit."""
    confidence: float = 0.95
    resolver: str | None = None
    patience_s: float | None = None
    keep: bool = False
    futile: bool = False
    out: Path | None = None
    brief: bool = False
    """Nobody reads more of the runs than their outcomes and the reasons."""

    @property
    def repeated(self) -> bool:
        return self.times > 1 or self.jobs > 1

    def enough(self, scenario: Scenario, outcome: Outcome) -> bool:
        """No further run can say more."""
        hit = self.rate is not None and scenario.kind is Kind.DEFECT and outcome is not scenario.want
        return outcome is self.until or hit


class Watcher(Protocol):
    """Told how a series goes on."""

    def began(self, scenario: Scenario, times: int) -> None: ...
    def counted(self, tally: Tally, result: Result | None) -> None: ...
    def ended(self, series: Series) -> None: ...


def carry_out(
    plan: Plan, scenarios: tuple[Scenario, ...], listener: Listener, watcher: Watcher, say: Callable[[str], None]
) -> None:
    """One series after the other, each handed to `watcher`.  `say` is told why a run came to nothing.

    MachineError when this machine cannot do it at all.  Interrupted, after what was counted has been handed over.
    """
    with ExitStack() as stack:
        pool = None
        if plan.repeated:
            from harness.run.pool import workers

            pool = stack.enter_context(workers(plan.jobs))
        for scenario in scenarios:
            _series(plan, scenario, pool, listener, watcher, say)


def _series(
    plan: Plan,
    scenario: Scenario,
    pool: Workers | None,
    listener: Listener,
    watcher: Watcher,
    say: Callable[[str], None],
) -> None:
    missing = features.lacking(scenario.requires)
    watcher.began(scenario, plan.times)
    start = time.monotonic()
    if missing:
        watcher.ended(_tally(plan, scenario).series(missing=missing))
        return
    tally: Tally | None = None
    interrupted: Interrupted | None = None
    try:
        for answer in _alone(plan, scenario, listener) if pool is None else _pooled(plan, scenario, pool):
            tally = tally or _tally(plan, scenario)  # late, for a run's server starts while this is imported
            if answer.broken:
                raise MachineError(answer.error or "")
            if answer.result is not None:
                tally.add(answer.result)
            elif answer.error is not None:
                tally.add_error(answer.error)
                say(f"{scenario.name}: {answer.error}")
            watcher.counted(tally, answer.result)
            if answer.result is not None and plan.enough(scenario, answer.result.verdict.outcome):
                break
    except Interrupted as error:
        interrupted = error
    if tally is not None:
        note = f"interrupted after {tally.runs} runs" if interrupted else _note(plan, scenario, tally)
        watcher.ended(tally.series(note=note, duration_s=time.monotonic() - start))
    if interrupted is not None:
        raise interrupted


def _tally(plan: Plan, scenario: Scenario) -> Tally:
    from harness.model.records import Kernel
    from harness.run.tally import Tally

    kernel = os.uname()
    return Tally(Kernel(kernel.release, kernel.version, kernel.machine), about(scenario), plan.confidence)


def _alone(plan: Plan, scenario: Scenario, listener: Listener) -> Iterator[Answer]:
    """One run, in this process: told step by step."""
    yield perform(_order(plan, scenario), listener, lambda _: True)


def _pooled(plan: Plan, scenario: Scenario, pool: Workers) -> Iterator[Answer]:
    runs = pool.runs(_order(plan, scenario), plan.times)
    try:
        yield from runs
    finally:
        runs.close()


def _order(plan: Plan, scenario: Scenario) -> Order:
    return Order(scenario, plan.resolver, plan.patience_s, plan.out, plan.keep, plan.futile, plan.brief)


def _note(plan: Plan, scenario: Scenario, tally: Tally) -> str:
    """What so many runs say."""
    if plan.rate is not None and scenario.kind is Kind.DEFECT:
        hits = tally.runs - tally.count(scenario.want)
        if hits:
            return f"seen in run {tally.runs}: no need of more"
        return (
            f"not seen in {tally.runs} runs: had it a rate of {plan.rate:.3g}, it would have shown "
            f"with a probability of {plan.confidence:.4g}"
        )
    if plan.until is not None:
        if tally.count(plan.until):
            return f"{plan.until} after {tally.runs} runs"
        return f"no {plan.until} in {tally.runs} runs"
    return ""
