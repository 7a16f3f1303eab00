"""The search on synthetic histories: it is right, or says honestly between which revisions the change lies."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from harness.bisect import noisy, search
from harness.bisect.search import Answer, Change, Plan, Told
from harness.record import record

FREE, HAS_IT, SKIP = Answer.FREE, Answer.HAS_IT, Answer.SKIP


@record(frozen=True, slots=True)
class History:
    """The truth of a line of revisions."""

    has_it: tuple[bool, ...]
    skipped: frozenset[int] = frozenset()
    rate: float = 1.0
    """The share of runs that show the defect."""

    @property
    def changes(self) -> list[int]:
        """Each revision that differs from the one before it."""
        return [each for each in range(1, len(self.has_it)) if self.has_it[each] is not self.has_it[each - 1]]

    def test(self, revision: int, chance: random.Random, runs: int = 1) -> Told:
        if revision in self.skipped:
            return Told(revision, SKIP)
        for run in range(runs):
            if self.has_it[revision] and chance.random() < self.rate:
                return Told(revision, HAS_IT, run + 1)
        return Told(revision, FREE, runs)


def synthetic(chance: random.Random, most: int = 60) -> History:
    """Up to four changes and, in a half of them, runs of revisions that do not build."""
    count = chance.randint(2, most)
    has_it, now = [], chance.random() < 0.5
    places = set(chance.sample(range(1, count), min(count - 1, chance.randint(0, 4))))
    for each in range(count):
        now = now ^ (each in places)
        has_it.append(now)
    skipped: set[int] = set()
    if chance.random() < 0.5:
        for _ in range(chance.randint(1, 3)):
            first = chance.randrange(count)
            skipped.update(range(first, min(count, first + chance.randint(1, 6))))
    return History(tuple(has_it), frozenset(skipped))


def found(plan: Plan, history: History, chance: random.Random, runs: int = 1) -> tuple[search.Conclusion, list[Told]]:
    told: list[Told] = []
    while chosen := search.ask(plan, told):
        (revision,) = chosen
        told.append(history.test(revision, chance, runs))
        assert len(told) < 100_000, "the search ends"
    return search.conclude(plan, told), told


def holds(change: Change, history: History) -> bool:
    """Return True where the outcome changes once between those revisions, and everything between is unknown."""
    between = range(change.before + 1, change.after)
    differs = history.has_it[change.before] is not history.has_it[change.after]
    return differs and history.has_it[change.after] is (change.answer is HAS_IT) and set(between) <= history.skipped


HISTORIES = [synthetic(random.Random(seed)) for seed in range(1000)]
SOME_OR_ALL = pytest.mark.parametrize("histories", [100, pytest.param(1000, marks=pytest.mark.slow)])


@SOME_OR_ALL
def test_every_change_is_found(histories: int) -> None:
    for number, history in enumerate(HISTORIES[:histories]):
        plan = Plan(len(history.has_it), every=True)
        conclusion, told = found(plan, history, random.Random(number))
        assert all(holds(each, history) for each in conclusion.changes), history
        assert len({each.revision for each in told}) == len(told), "no revision is tested twice"
        known = [each for each in range(plan.count) if each not in history.skipped]
        truth = [
            (before, after) for before, after in pairwise(known) if history.has_it[before] is not history.has_it[after]
        ]
        assert [(each.before, each.after) for each in conclusion.changes] == truth
        hidden = {each for gap in conclusion.unseen for each in range(gap.before + 1, gap.after)}
        assert hidden <= history.skipped, "with a gap of 0, only what cannot be told is not looked into"


@SOME_OR_ALL
def test_one_change_between_two_ends_that_differ_takes_few_steps(histories: int) -> None:
    for number, history in enumerate(HISTORIES[:histories]):
        count = len(history.has_it)
        plan = Plan(count)
        conclusion, told = found(plan, history, random.Random(number))
        known = [each for each in range(count) if each not in history.skipped]
        differ = bool(known) and history.has_it[known[0]] is not history.has_it[known[-1]]
        assert len(conclusion.changes) == int(differ)
        assert all(holds(each, history) for each in conclusion.changes), history
        if not history.skipped:
            assert len(told) <= 2 + math.ceil(math.log2(max(1, count - 1))), "as few as can be"


def test_what_was_not_looked_into_is_named() -> None:
    """Two changes close together, in an interval whose ends agree."""
    truth = [False] * 100
    truth[41:43] = [True, True]
    history = History(tuple(truth))
    conclusion, told = found(Plan(100, every=True, gap=30), history, random.Random(0))
    assert conclusion.changes == ()
    assert len(told) < 12
    (hiding,) = [each for each in conclusion.unseen if each.before < 41 < each.after]
    assert hiding.count <= 30
    assert hiding.answer is FREE
    conclusion, _ = found(Plan(100, every=True, gap=1), history, random.Random(0))
    assert [(each.before, each.after, each.answer) for each in conclusion.changes] == [(40, 41, HAS_IT), (42, 43, FREE)]


def test_landmarks_are_tested_first() -> None:
    history = History((False,) * 20 + (True,) * 20)
    _, told = found(Plan(40, every=True, gap=9, landmarks=(7, 33)), history, random.Random(0))
    assert [each.revision for each in told[:4]] == [0, 39, 7, 33]


def test_ends_that_cannot_be_told_are_moved_inwards() -> None:
    history = History((True, False, False, True, True), frozenset({0, 4}))
    conclusion, _ = found(Plan(5), history, random.Random(0))
    assert [(each.before, each.after) for each in conclusion.changes] == [(2, 3)]
    assert conclusion.ends == (FREE, HAS_IT)


def test_nothing_that_can_be_told_is_said_to_be_so() -> None:
    history = History((True, False, True), frozenset(range(3)))
    conclusion, told = found(Plan(3), history, random.Random(0))
    assert (conclusion.changes, conclusion.ends, len(told)) == ((), (None, None), 3)
    assert not conclusion.exact


def test_a_search_resumes_from_its_answers_in_any_order() -> None:
    for number, history in enumerate(HISTORIES[:50]):
        chance = random.Random(number)
        plan = Plan(len(history.has_it), every=number % 2 == 0)
        whole, told = found(plan, history, chance)
        again = told[: len(told) // 2]
        chance.shuffle(again)
        while chosen := search.ask(plan, again):
            again += [history.test(revision, chance) for revision in chosen]
        assert search.conclude(plan, again).changes == whole.changes


@pytest.mark.parametrize("workers", [2, 5])
@pytest.mark.parametrize("histories", [40, pytest.param(300, marks=pytest.mark.slow)])
def test_several_at_a_time_part_the_line_into_more_parts(workers: int, histories: int) -> None:
    """In rounds of N tests, the place among C is known after the logarithm of C to the base N + 1."""
    for number, history in enumerate(HISTORIES[:histories]):
        count = len(history.has_it)
        for plan in (Plan(count), Plan(count, every=True)):
            told: list[Told] = []
            rounds = 0
            while chosen := search.ask(plan, told, workers):
                assert len(set(chosen)) == len(chosen) <= workers
                assert not {each.revision for each in told} & set(chosen), "no revision is tested twice"
                told += [history.test(each, random.Random(number)) for each in chosen]
                rounds += 1
            alone, _ = found(plan, history, random.Random(number))
            whole = search.conclude(plan, told)
            if plan.every:
                assert whole.changes == alone.changes
            else:
                assert len(whole.changes) >= len(alone.changes), "several answers may show several changes"
                assert all(holds(each, history) for each in whole.changes), history
                if not history.skipped and len(history.changes) == 1:
                    assert rounds <= 1 + math.ceil(math.log(max(1, count - 1), workers + 1) + 1e-9)


# ---- a race that shows in some runs only -----------------------------------------------------------------------------

RATE, CONFIDENCE, BATCH = 0.1, 0.9, 7


def one_change(chance: random.Random) -> History:
    count = chance.randint(2, 40)
    place, rising = chance.randint(1, count - 1), chance.random() < 0.5
    has_it = tuple((each >= place) is rising for each in range(count))
    skipped = frozenset(each for each in range(1, count - 1) if chance.random() < 0.1)
    return History(has_it, skipped, RATE)


def right(conclusion: search.Conclusion, history: History) -> bool:
    """Return True where the place of the change lies where the conclusion says; no change at all is wrong."""
    (place,) = history.changes
    return any(each.before < place <= each.after for each in conclusion.changes)


def noisy_histories(number: int) -> Iterator[tuple[History, random.Random]]:
    for seed in range(number):
        chance = random.Random(f"noisy {seed}")
        yield one_change(chance), chance


@SOME_OR_ALL
def test_a_race_is_bisected_with_the_confidence_asked_for(histories: int) -> None:
    """Wrong answers are at most the share that the confidence leaves."""
    wrong = exact = 0
    for history, chance in noisy_histories(histories):
        plan = Plan(len(history.has_it), rate=RATE, confidence=CONFIDENCE)
        conclusion, _ = found(plan, history, chance, BATCH)
        wrong += not right(conclusion, history)
        exact += conclusion.exact
    assert wrong <= histories * (1 - CONFIDENCE)
    assert exact > 0.6 * histories, "a tenth cannot be told; next to the others the change is found exactly"


def test_a_race_is_bisected_by_several_at_a_time() -> None:
    wrong = 0
    for history, chance in noisy_histories(200):
        plan = Plan(len(history.has_it), rate=RATE, confidence=CONFIDENCE)
        told: list[Told] = []
        while chosen := search.ask(plan, told, 4):
            assert len(set(chosen)) == len(chosen) <= 4
            told += [history.test(each, chance, BATCH) for each in chosen]
        wrong += not right(search.conclude(plan, told), history)
    assert wrong <= 200 * (1 - CONFIDENCE)


def test_it_takes_fewer_runs_than_to_decide_each_revision() -> None:
    bayes = single = 0
    for history, chance in noisy_histories(50):
        count = len(history.has_it)
        _, told = found(Plan(count, rate=RATE, confidence=CONFIDENCE), history, chance, BATCH)
        bayes += sum(each.runs for each in told)
        steps = 2 + math.ceil(math.log2(max(1, count - 1)))
        single += steps * noisy.runs_needed(RATE, (1 - CONFIDENCE) / steps)
    assert bayes < single


def test_several_changes_of_a_race_are_found() -> None:
    wrong = 0
    for seed in range(200):
        chance = random.Random(f"several {seed}")
        truth = synthetic(chance, most=12)
        history = History(truth.has_it, truth.skipped, RATE)
        plan = Plan(len(history.has_it), every=True, rate=RATE, confidence=CONFIDENCE)
        conclusion, _ = found(plan, history, chance, BATCH)
        wrong += not all(holds(each, history) for each in conclusion.changes)
    assert wrong <= 200 * (1 - CONFIDENCE)


def test_ends_of_a_race_that_agree_end_the_search() -> None:
    history = History((False,) * 9, rate=RATE)
    conclusion, told = found(Plan(9, rate=RATE, confidence=CONFIDENCE), history, random.Random(0))
    assert conclusion.changes == ()
    assert {each.revision for each in told} == {0, 8}
    assert len(told) == 2 * noisy.runs_needed(RATE, (1 - CONFIDENCE) / 4)


def test_runs_needed() -> None:
    assert noisy.runs_needed(0.1, 0.05) == 29
    assert 0.9**29 < 0.05 < 0.9**28
    assert noisy.runs_needed(1.0, 0.05) == 1


@pytest.mark.parametrize("rising", [True, False])
def test_answers_that_contradict_each_other_find_no_place(rising: bool) -> None:
    """The defect was seen on both sides: no single change explains that, and the whole line is the honest answer."""
    evidence = noisy.Evidence(0, 4, rising, (0, 4), (), frozenset(), RATE)
    before, after, mass = noisy.credible(evidence, 0.95)
    assert (before, after) == (0, 4)
    assert noisy.ask(evidence, 0.95) == (), "more runs would say nothing"
    assert mass == pytest.approx(1)
