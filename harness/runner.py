"""The only wiring: one scenario from launch to leftovers, in one fixed order, evidence before any remedy."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from harness.guard.client import guarded
from harness.launch.start import Launch
from harness.scenario import Scenario

if TYPE_CHECKING:
    from harness.launch.victim import Victim
    from harness.model import Attempt, Resolution, Result, Snapshot, Verdict
    from harness.resolve import Resolver


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


@dataclass(frozen=True, slots=True)
class Options:
    resolver: Resolver | None = None
    """None: abort, or a forced unmount where there is no abort file."""
    patience_s: float | None = None
    keep: bool = False
    futile: bool = False
    evidence: Callable[[Victim, tuple[Snapshot, ...]], None] | None = None
    """Called with the verdict before anything is done about it: writes what --out wants."""


def run(scenario: Scenario, options: Options, listener: Listener) -> Result:
    """FusezapError when the scenario could not be armed; whatever had been started is gone by then."""
    start = time.monotonic()
    listener.arming(scenario)
    with ExitStack() as stack:
        guard = stack.enter_context(guarded())
        launch = stack.enter_context(Launch(scenario, guard))
        launch.start()
        # Late, because the server starts meanwhile: it and these imports take the other core's time, not ours.
        from harness.launch.arm import arm
        from harness.trial import Trial

        trial = Trial(arm(launch), guard, options, listener)
        armed_ms = _since(start)
        listener.armed(trial.victim, trial.armed, armed_ms)
        stack.enter_context(trial.abort_file_opened())
        trial.kill_and_judge()
        if options.evidence is not None:
            options.evidence(trial.victim, (trial.armed, *trial.verdict.snapshots))
        if options.keep and trial.stuck:
            trial.keep()
            result = trial.result(left=())
        else:
            trial.resolve()
            result = trial.result(left=trial.clean_up())
    timings = dataclasses.replace(result.timings, armed=armed_ms, total=_since(start))
    result = dataclasses.replace(result, timings=timings)
    listener.finished(result)
    return result


def _since(start: float) -> float:
    return (time.monotonic() - start) * 1000
