"""One run, from launch to leftovers, in one fixed order: evidence before any remedy."""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from harness.guard.client import guarded
from harness.launch.start import Launch
from harness.model.events import Counted, Event
from harness.run.request import RunRequest

if TYPE_CHECKING:
    from harness.model.records import Outcome
    from harness.run.trial import Trial


@contextmanager
def armed(request: RunRequest) -> Iterator[Trial]:
    """The scenario in place, its abort file open, before the kill; all of it is gone when the block is left.

    Args:
        request: What to run.

    Yields:
        The trial, whose steps the caller takes.

    Raises:
        FusezapError: The scenario could not be armed; whatever had been started is gone by then.
        UsageError: There is no resolver of that name.
    """
    began_ns = time.monotonic_ns()
    if request.resolver is not None:
        from harness.resolve import resolver

        resolver.find(request.resolver)
    with ExitStack() as stack:
        guard = stack.enter_context(guarded())
        launch = stack.enter_context(Launch(request.scenario, guard))
        launch.start()
        # The server starts meanwhile: it and these imports share the two cores, so they come after the start.
        from harness.launch.arm import arm
        from harness.run.trial import Trial

        trial = Trial(arm(launch), guard, request, began_ns)
        stack.enter_context(trial.abort_file_opened())
        yield trial


def run_once(request: RunRequest, without_evidence: Collection[Outcome] = ()) -> Generator[Event]:
    """Run a scenario once.  Closing the iterator ends the run and removes all that it made.

    Args:
        request: What to run.
        without_evidence: Outcomes whose evidence is not written to `request.out`, because it is there already.

    Yields:
        The events of the run; Counted with the result comes last, after everything was removed.

    Raises:
        FusezapError: As `armed`.
    """
    with armed(request) as trial:
        yield from trial.armed()
        yield trial.kill()
        yield from trial.judge()
        evidence = None
        if request.out is not None and trial.verdict.outcome not in without_evidence:
            from harness.run.evidence import Evidence

            evidence = Evidence(request.out, request.scenario.name)
            evidence.before_remedy(trial.victim, trial.snapshots)
        if request.keep and trial.stuck:
            yield trial.keep()
            result = trial.result(left=())
        else:
            yield from trial.resolve()
            result = trial.result(left=trial.clean_up())
    if evidence is not None:
        evidence.result(result)
    yield Counted(result)
