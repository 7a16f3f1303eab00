"""What is asked of a run, its performance, and what comes back: the same here and in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import FusezapError, MachineError
from harness.model.terms import Outcome
from harness.record import record
from harness.scenario import Scenario

if TYPE_CHECKING:
    from harness.launch.victim import Victim
    from harness.model.records import Result, Snapshot
    from harness.run.evidence import Evidence
    from harness.run.runner import Listener


@record(frozen=True, slots=True)
class Order:
    scenario: Scenario
    resolver: str | None
    patience_s: float | None
    out: Path | None
    keep: bool = False
    futile: bool = False
    brief: bool = False
    """What would only be shown is not looked at."""


@record(frozen=True, slots=True)
class Answer:
    """A run, or why there was none."""

    result: Result | None
    error: str | None = None
    broken: bool = False
    """The machine cannot do it at all: there is no use in trying again."""


def perform(order: Order, listener: Listener, wanted: Callable[[Outcome], bool]) -> Answer:
    """One run.  `wanted`: whether evidence of this outcome is to be kept, where it is to be kept at all."""
    from harness.run.runner import Options, run

    resolver = None
    if order.resolver is not None:
        from harness.resolve.resolver import find

        resolver = find(order.resolver)
    kept: list[Evidence] = []

    def keep_evidence(victim: Victim, snapshots: tuple[Snapshot, ...], outcome: Outcome) -> None:
        if order.out is not None and wanted(outcome):
            from harness.run.evidence import Evidence

            kept.append(Evidence(order.out, order.scenario.name))
            kept[-1].before_remedy(victim, snapshots)

    options = Options(resolver, order.patience_s, order.keep, order.futile, keep_evidence, order.brief)
    try:
        result = run(order.scenario, options, listener)
    except FusezapError as error:
        return Answer(None, str(error), isinstance(error, MachineError))
    for evidence in kept:
        evidence.result(result)
    return Answer(result)
