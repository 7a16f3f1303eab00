"""Carries out a search along a line of revisions: asks, tests, writes down, until nothing is left to ask."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from harness.bisect import search
from harness.bisect.journal import Journal, Step
from harness.bisect.search import Answer, Conclusion, Plan, Told
from harness.record import record


@record(frozen=True, slots=True)
class Tested:
    """The result of a test of one revision."""

    answer: Answer
    runs: int
    release: str
    line: str


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


def run(plan: Plan, names: tuple[str, ...], test: Callable[[int], Tested], journal: Journal) -> Iterator[Next | Step]:
    """Search.

    Args:
        plan: What is searched.
        names: The revisions, the oldest first.
        test: Tests one of them.  What it raises ends the search, and the journal keeps what came before.
        journal: Has the answers of earlier searches; each new one is added to it.

    Yields:
        Before and after each test.
    """
    while (revision := search.ask(plan, journal.told)) is not None:
        conclusion = search.conclude(plan, journal.told)
        yield Next(revision, len(journal.steps) + 1, conclusion, steps_left(plan, conclusion, journal.told))
        began = time.monotonic()
        tested = test(revision)
        told = Told(revision, tested.answer, tested.runs)
        step = Step(told, names[revision], tested.release, tested.line, round(time.monotonic() - began, 3))
        journal.add(step)
        yield step


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
