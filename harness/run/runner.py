"""The only wiring: one scenario from launch to leftovers, in one fixed order, evidence before any remedy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol, cast

from harness.guard.client import guarded
from harness.launch.start import Launch
from harness.record import record
from harness.scenario import Scenario

if TYPE_CHECKING:
    from harness.launch.victim import Victim
    from harness.model.records import Attempt, Outcome, Resolution, Result, Snapshot, Verdict
    from harness.resolve.resolver import Resolver
    from harness.run.trial import Trial


class Listener(Protocol):
    """Told of each step as it happens.  A protocol: no report imports this file."""

    def arming(self, scenario: Scenario) -> None: ...
    def armed(self, victim: Victim, snapshot: Snapshot, took_ms: float) -> None: ...
    def killed(self, victim: Victim) -> None: ...
    def looked(self, verdict: Verdict) -> None: ...
    def judged(self, verdict: Verdict, took_ms: float) -> None: ...
    def attempted(self, attempt: Attempt) -> None: ...
    def resolved(self, resolution: Resolution) -> None: ...
    def kept(self, victim: Victim, run: str, remedy: str) -> None: ...
    def finished(self, result: Result) -> None: ...


class _Silent:
    """Listens to every step and does nothing."""

    def __getattr__(self, step: str) -> Callable[..., None]:
        return lambda *_: None


SILENT = cast("Listener", _Silent())
"""For formats that speak at the end."""


@record(frozen=True, slots=True)
class Options:
    resolver: Resolver | None = None
    """None: abort, or a forced unmount where there is no abort file."""
    patience_s: float | None = None
    keep: bool = False
    futile: bool = False
    evidence: Callable[[Victim, tuple[Snapshot, ...], Outcome], None] | None = None
    """Called with the verdict before anything is done about it: writes what --out wants."""
    brief: bool = False
    """Nobody reads more of it than the outcome and the reasons: what would only be shown is not looked at."""


@contextmanager
def armed(scenario: Scenario, options: Options, listener: Listener) -> Iterator[Trial]:
    """The scenario in place, its abort file open, before the kill; all of it is gone when the block is left.

    FusezapError when it could not be armed; whatever had been started is gone by then.
    """
    began_ns = time.monotonic_ns()
    listener.arming(scenario)
    with ExitStack() as stack:
        guard = stack.enter_context(guarded())
        launch = stack.enter_context(Launch(scenario, guard))
        launch.start()
        # Late, because the server starts meanwhile: it and these imports take the other core's time, not ours.
        from harness.launch.arm import arm
        from harness.run.trial import Trial

        trial = Trial(arm(launch), guard, options, listener, began_ns)
        stack.enter_context(trial.abort_file_opened())
        yield trial


def run(scenario: Scenario, options: Options, listener: Listener) -> Result:
    """As `armed` in what it raises."""
    with armed(scenario, options, listener) as trial:
        trial.kill()
        trial.judge()
        if options.evidence is not None:
            options.evidence(trial.victim, trial.snapshots, trial.verdict.outcome)
        if options.keep and trial.stuck:
            trial.keep()
            result = trial.result(left=())
        else:
            trial.resolve()
            result = trial.result(left=trial.clean_up())
    listener.finished(result)
    return result
