"""Looking until the verdict is final, on records in place of a machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from harness.linux.process import Target
from harness.model.records import Outcome, Snapshot, Verdict
from harness.run.watch import watch
from tests.unit.records import HANG, STARVED, STUCK, recorded, with_task

NOBODY = Target(2**31 - 1, 1, 1)
"""No such process: nothing is waited for before the first look."""


def looking(snapshots: Iterable[Snapshot]) -> Callable[[], Snapshot]:
    source: Iterator[Snapshot] = iter(snapshots)
    return lambda: next(source)


def endlessly(snapshot: Snapshot) -> Iterator[Snapshot]:
    while True:
        snapshot = replace(snapshot, taken_ns=snapshot.taken_ns + 1)
        yield snapshot


def watched(snapshots: Iterable[Snapshot], patience_s: float = 0.0) -> tuple[Verdict, list[Outcome]]:
    verdicts = list(watch(NOBODY, looking(snapshots), patience_s))
    return verdicts[-1], [each.outcome for each in verdicts]


def test_a_deadlock_takes_two_looks_and_no_patience() -> None:
    verdict, seen = watched([HANG, HANG], patience_s=1000)
    assert verdict.outcome is Outcome.DEADLOCK
    assert seen == [Outcome.INCONCLUSIVE, Outcome.DEADLOCK]


def test_a_deadlock_in_the_making() -> None:
    moving = with_task(HANG, STUCK, switches=1)
    verdict, seen = watched([recorded("exit-flush-self")[0], moving, HANG, HANG])
    assert verdict.outcome is Outcome.DEADLOCK
    assert seen == [Outcome.INCONCLUSIVE] * 3 + [Outcome.DEADLOCK]


def test_released_at_once() -> None:
    verdict, seen = watched([recorded("healthy")[-1]])
    assert (verdict.outcome, seen) == (Outcome.RELEASED, [Outcome.RELEASED])


def test_starved_is_an_outcome_only_when_patience_is_at_an_end() -> None:
    verdict, seen = watched(endlessly(STARVED), patience_s=0.05)
    assert verdict.outcome is Outcome.STARVED
    assert seen[0] is Outcome.INCONCLUSIVE
    assert len(seen) > 3
    assert set(seen[1:]) == {Outcome.STARVED}


def test_starved_is_an_outcome_at_once_when_it_is_settled() -> None:
    verdicts = watch(NOBODY, looking(endlessly(STARVED)), 1000, lambda each: each.outcome is Outcome.STARVED)
    assert [each.outcome for each in verdicts] == [Outcome.INCONCLUSIVE, Outcome.STARVED]


def test_starved_for_a_while_and_released_in_the_end() -> None:
    verdict, seen = watched([STARVED, STARVED, STARVED, recorded("healthy")[-1]], patience_s=1000)
    assert verdict.outcome is Outcome.RELEASED
    assert seen[-2:] == [Outcome.STARVED, Outcome.RELEASED]


def test_patience_starts_anew_when_something_moves() -> None:
    def looks() -> Iterator[Snapshot]:
        yield from (STARVED, STARVED)
        time.sleep(0.45)
        stuck = next(task for task in STARVED.tasks if "request_wait_answer" in task.functions)
        yield with_task(STARVED, stuck.tid, switches=99)
        yield from (STARVED, STARVED, STARVED, recorded("healthy")[-1])

    assert watched(looks(), patience_s=0.4)[0].outcome is Outcome.RELEASED
