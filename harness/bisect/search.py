"""A search along a line of revisions for those at which the outcome changes.

Pure: which revision to test next, and what is known, follow from the plan and the answers so far.  So a search that was
broken off resumes from its answers alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.bisect import noisy
from harness.model.terms import StrEnum
from harness.record import record


class Answer(StrEnum):
    """The answer of a test about one revision."""

    FREE = "free"
    HAS_IT = "has-it"
    SKIP = "skip"
    """It cannot be told: the revision does not build, or does not boot."""


@record(frozen=True, slots=True)
class Told:
    """One answer."""

    revision: int
    """Its place in the line, from 0, the oldest, on."""
    answer: Answer
    runs: int = 1
    """Number of runs behind it.  One that shows the defect is enough for HAS_IT; FREE means that none of them did."""


@record(frozen=True, slots=True)
class Plan:
    """The range and the method of a search."""

    count: int
    """Number of revisions in the line; two or more."""
    every: bool = False
    """Find every change, not just one between two ends that differ."""
    gap: int = 0
    """With `every`: so many untested revisions in a row, between two with the same outcome, are not looked into."""
    landmarks: tuple[int, ...] = ()
    """With `every`: revisions to be tested first, such as releases."""
    rate: float | None = None
    """The share of runs in which the defect shows itself in a revision that has it, at the least; None: each run."""
    confidence: float = 0.95
    """The confidence of the answer, if `rate` is given."""


@record(frozen=True, slots=True)
class Change:
    """The outcome of one revision differs from that of an older one, and nothing between them is known."""

    before: int
    after: int
    answer: Answer
    """The outcome of `after`."""
    confidence: float = 1.0
    """The probability that the change lies there, given the rate."""

    @property
    def exact(self) -> bool:
        """True if no revision lies between them."""
        return self.after == self.before + 1


@record(frozen=True, slots=True)
class Unseen:
    """Revisions between two with the same outcome, of which nothing is known: an even number of changes could hide."""

    before: int
    after: int
    answer: Answer
    """The outcome of both."""

    @property
    def count(self) -> int:
        """Number of revisions of which nothing is known."""
        return self.after - self.before - 1


@record(frozen=True, slots=True)
class Conclusion:
    changes: tuple[Change, ...]
    unseen: tuple[Unseen, ...]
    ends: tuple[Answer | None, Answer | None]
    """The outcomes of the oldest and the newest revision that could be told; None where none could."""
    tests: int
    """Number of answers that it rests on."""

    @property
    def exact(self) -> bool:
        """True if there is a change, and each change is known to the revision."""
        return bool(self.changes) and all(each.exact for each in self.changes)


def ask(plan: Plan, told: Sequence[Told], most: int = 1) -> tuple[int, ...]:
    """Choose the revisions to test next, at the same time.

    Args:
        plan: What is searched.
        told: The answers so far, in any order.
        most: Number of revisions that can be tested at the same time.  They are spread so that the answers of N of them
            leave a part of 1 in N + 1 of an interval.

    Returns:
        Their places in the line; none: the search is over.
    """
    known, undecided = _decided(plan, told)
    # The ends first: what they say decides what is searched.
    ends = dict.fromkeys(end for end in _ends(plan, known) if end is not None and end not in known)
    if ends:
        return tuple(ends)[:most]
    if plan.rate is not None and not plan.every:
        evidence = _evidence(plan, known, told)
        return () if evidence is None else noisy.ask(evidence, _half(plan), most)
    if undecided:
        return undecided[:most]
    intervals = list(_intervals(known))
    if plan.every:
        landmarks = tuple(each for each in plan.landmarks if each not in known)
        if landmarks:
            return landmarks[:most]
        wide = [each for each in intervals if each.agrees and len(each.untested) > plan.gap]
        if wide:
            return _shared(wide, most)
    return _shared([each for each in intervals if not each.agrees and each.untested], most)


def conclude(plan: Plan, told: Sequence[Told]) -> Conclusion:
    """Say what the answers prove.

    Args:
        plan: What is searched.
        told: The answers, of a search that is over or under way.

    Returns:
        The changes and what was not looked into.
    """
    known, _ = _decided(plan, told)
    oldest, newest = _ends(plan, known)
    intervals = list(_intervals(known))
    confidence = 1.0 if plan.rate is None else plan.confidence
    changes = [Change(each.before, each.after, known[each.after], confidence) for each in intervals if not each.agrees]
    if plan.rate is not None and not plan.every and changes:
        changes = _narrowed(plan, known, told)
    unseen = [
        Unseen(each.before, each.after, known[each.after])
        for each in intervals
        if each.agrees and each.after > each.before + 1
    ]
    ends = known.get(oldest) if oldest is not None else None, known.get(newest) if newest is not None else None
    return Conclusion(tuple(changes), tuple(unseen), ends, len(told))


@record(frozen=True, slots=True)
class _Interval:
    """Two revisions whose outcomes are known, and those between them."""

    before: int
    after: int
    agrees: bool
    """True if both have the same outcome."""
    untested: tuple[int, ...]
    skipped: tuple[int, ...]

    def spread(self, count: int) -> tuple[int, ...]:
        """The untested revisions that part the interval best, away from what was skipped: a commit that does not
        build has neighbours that do not build."""
        wide = (self.after - self.before) / (count + 1)
        left = set(self.untested)
        chosen = []
        for number in range(1, min(count, len(left)) + 1):
            target = self.before + number * wide

            def worth(each: int, target: float = target) -> tuple[float, int]:
                distance = min((abs(each - other) for other in self.skipped), default=64)
                return (wide - abs(each - target)) * (1 - 0.5 ** min(distance, 64)), -each

            chosen.append(max(left, key=worth))
            left.remove(chosen[-1])
        return tuple(chosen)


def _shared(intervals: list[_Interval], most: int) -> tuple[int, ...]:
    """Share tests among intervals: each next one goes where the parts that are left are largest."""
    shares = [0] * len(intervals)
    for _ in range(most):
        parts = [
            len(each.untested) / (share + 1) if share < len(each.untested) else 0.0
            for each, share in zip(intervals, shares, strict=True)
        ]
        if not any(parts):
            break
        shares[parts.index(max(parts))] += 1
    return tuple(place for each, share in zip(intervals, shares, strict=True) if share for place in each.spread(share))


def _intervals(known: dict[int, Answer]) -> Iterator[_Interval]:
    told = sorted(each for each, answer in known.items() if answer is not Answer.SKIP)
    for before, after in pairwise(told):
        between = range(before + 1, after)
        yield _Interval(
            before,
            after,
            known[before] is known[after],
            tuple(each for each in between if each not in known),
            tuple(each for each in between if each in known),
        )


def _ends(plan: Plan, known: dict[int, Answer]) -> tuple[int | None, int | None]:
    """The oldest and the newest revision that was not skipped; None where all were."""
    line = [each for each in range(plan.count) if known.get(each) is not Answer.SKIP]
    return (line[0], line[-1]) if line else (None, None)


def _decided(plan: Plan, told: Sequence[Told]) -> tuple[dict[int, Answer], tuple[int, ...]]:
    """The outcome of each revision that is decided, and those that need more runs."""
    needed = _runs_needed(plan)
    clean: dict[int, int] = {}
    known: dict[int, Answer] = {}
    for each in told:
        if known.get(each.revision) is Answer.HAS_IT:
            continue
        if each.answer is Answer.FREE:
            clean[each.revision] = clean.get(each.revision, 0) + each.runs
            if clean[each.revision] >= needed:
                known[each.revision] = Answer.FREE
        else:
            known[each.revision] = each.answer
    return known, tuple(each for each in clean if each not in known)


def _runs_needed(plan: Plan) -> int:
    """Runs without the defect after which a revision is free of it: all such answers together are to be right with the
    confidence asked for; in a search for one change, the ends take a half of the error that is allowed."""
    if plan.rate is None:
        return 1
    error = (1 - plan.confidence) / (plan.count if plan.every else 4)
    return noisy.runs_needed(plan.rate, error)


def _evidence(plan: Plan, known: dict[int, Answer], told: Sequence[Told]) -> noisy.Evidence | None:
    """The start of a noisy search for one change; None if the ends do not differ."""
    before, after = _ends(plan, known)
    if before is None or after is None or known.get(before) is known.get(after) or plan.rate is None:
        return None
    clean: dict[int, int] = {}
    for each in told:
        if each.answer is Answer.FREE:
            clean[each.revision] = clean.get(each.revision, 0) + each.runs
    return noisy.Evidence(
        before=before,
        after=after,
        rising=known[after] is Answer.HAS_IT,
        seen=tuple({each.revision for each in told if each.answer is Answer.HAS_IT}),
        clean=tuple(sorted(clean.items())),
        skipped=frozenset(each.revision for each in told if each.answer is Answer.SKIP),
        rate=plan.rate,
    )


def _narrowed(plan: Plan, known: dict[int, Answer], told: Sequence[Told]) -> list[Change]:
    """The place of the one change, as far as a noisy search has found it."""
    evidence = _evidence(plan, known, told)
    if evidence is None:
        return []
    before, after, mass = noisy.credible(evidence, _half(plan))
    return [Change(before, after, known[evidence.after], min(mass, plan.confidence))]


def _half(plan: Plan) -> float:
    """The confidence of the place: the ends take the other half of the error."""
    return (1 + plan.confidence) / 2
