"""Carries out a search along a line of revisions: asks, tests, writes down, until nothing is left to ask."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from harness.bisect import search
from harness.bisect.journal import Journal, Step
from harness.bisect.search import Answer, Conclusion, Plan, Told
from harness.model.records import Series
from harness.record import record, replace

Revision = TypeVar("Revision")


@record(frozen=True, slots=True)
class Tested:
    """The result of a test of one revision."""

    answer: Answer
    runs: int
    release: str
    line: str
    duration_s: float = 0.0
    build_s: float = 0.0
    boot_s: float = 0.0
    series: tuple[Series, ...] = ()
    """The evidence."""


@record(frozen=True, slots=True)
class Next:
    """A revision is about to be tested."""

    revision: int
    number: int
    """The number of the step, from 1 on; it includes the steps of earlier searches."""
    conclusion: Conclusion
    """The conclusion from the steps before this one."""
    left: int
    """Steps that are left, at the most, as far as is known; for a race, and while it is open how many changes there
    are, an estimate."""


def run(
    plan: Plan,
    names: tuple[str, ...],
    tests: Callable[[tuple[int, ...]], Iterator[tuple[int, Tested]]],
    journal: Journal,
    workers: int = 1,
) -> Iterator[Next | Step]:
    """Search.

    Args:
        plan: What is searched.
        names: The revisions, the oldest first.
        tests: Tests some of them at the same time, and yields each result as it comes.  What it raises ends the search,
            and the journal keeps what came before.
        journal: Has the answers of earlier searches; each new one is added to it.
        workers: Number of revisions that can be tested at the same time.

    Yields:
        Before and after each test.
    """
    while chosen := search.ask(plan, journal.told(names), workers):
        told = journal.told(names)
        conclusion = search.conclude(plan, told)
        for number, revision in enumerate(chosen, len(told) + 1):
            yield Next(revision, number, conclusion, steps_left(plan, conclusion, told))
        for revision, tested in tests(chosen):
            yield noted(tested, revision, names[revision], journal)


def noted(tested: Tested, revision: int, name: str, journal: Journal) -> Step:
    """Add a result to the journal.

    Args:
        tested: The result.
        revision: The place of the revision in its line.
        name: Its name.
        journal: The journal.

    Returns:
        The step.
    """
    told = Told(revision, tested.answer, tested.runs)
    times = (round(each, 3) for each in (tested.duration_s, tested.build_s, tested.boot_s))
    step = Step(told, name, tested.release, tested.line, *times)
    journal.add(step, tested.series)
    return step


def in_turn(
    test: Callable[[Revision], Tested],
) -> Callable[[tuple[Revision, ...]], Iterator[tuple[Revision, Tested]]]:
    """Make of a function that tests one revision one that tests several, one after the other."""

    def tests(revisions: tuple[Revision, ...]) -> Iterator[tuple[Revision, Tested]]:
        for each in revisions:
            began = time.monotonic()
            tested = test(each)
            yield each, replace(tested, duration_s=time.monotonic() - began)

    return tests


def steps_left(plan: Plan, conclusion: Conclusion, told: list[Told]) -> int:
    """Estimate how many tests are left.

    Args:
        plan: What is searched.
        conclusion: What is known.
        told: The answers it rests on.

    Returns:
        The number of tests, from 0 on.
    """
    tested = {each.revision for each in told}
    if len(tested) < 2:
        left = 2 - len(tested)
        return left + (math.ceil(math.log2(max(1, plan.count - 1))) if not plan.every else plan.count - 2)
    if plan.every and plan.gap == 0:
        return max(plan.count - len(tested), 1)
    left = sum(math.ceil(math.log2(max(1, each.after - each.before))) for each in conclusion.changes)
    if plan.every:
        left += sum(each.count // (plan.gap + 1) for each in conclusion.unseen)
    return max(left, 1)
