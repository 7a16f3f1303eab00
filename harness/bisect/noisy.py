"""Bayesian search for one change where the defect shows itself in a share of the runs only.

A run that shows the defect proves it; one that does not is weak evidence.  Each place of the change has a probability,
and the next run is made where it says most about the place (the mutual information of the run and the place).
"""

from __future__ import annotations

import math
from itertools import accumulate

from harness.record import record

LEAST_BITS = 1e-6
"""Less information than that from a run is none: only skipped revisions are left between the places."""


@record(frozen=True, slots=True)
class Evidence:
    """The knowledge about a line of revisions with one change in it."""

    before: int
    """The oldest revision that can be tested."""
    after: int
    """The newest revision that can be tested."""
    rising: bool
    """True if the newer revisions have the defect, and the older ones do not."""
    seen: tuple[int, ...]
    """Revisions that have shown the defect."""
    clean: tuple[tuple[int, int], ...]
    """Revisions and the number of runs that did not show it."""
    skipped: frozenset[int]
    rate: float
    """The share of runs that show it, in a revision that has it."""


def runs_needed(rate: float, error: float) -> int:
    """Number of runs without the defect that leave a probability of `error`, or less, for a revision that has it."""
    return 1 if rate >= 1 else max(1, math.ceil(math.log(error) / math.log1p(-rate)))


def ask(evidence: Evidence, confidence: float, most: int = 1) -> tuple[int, ...]:
    """Choose where to run next, at the same time.

    Args:
        evidence: What is known.
        confidence: The probability at which the place counts as found.
        most: Number of revisions that can be run at the same time.

    Returns:
        The revisions; none: the place is found, no run can say more about it, or there is more than one change.
    """
    places = _places(evidence)
    if places is None:
        return ()
    if max(mass for _, _, mass in _groups(evidence, places)) >= confidence:
        return ()
    older = [0.0, *accumulate(places)]
    bits: dict[int, float] = {}
    for each in range(evidence.before, evidence.after + 1):
        if each not in evidence.skipped:
            share = older[each - evidence.before] if evidence.rising else 1 - older[each - evidence.before]
            bits[each] = _information(share, evidence.rate)
    chosen: list[int] = []
    # Runs at neighbours say nearly the same: a half of an equal share of the probability lies between two of them.
    apart = 0.5 / (most + 1)
    for each in sorted(bits, key=lambda revision: -bits[revision]):
        far = (abs(older[each - evidence.before] - older[other - evidence.before]) > apart for other in chosen)
        if bits[each] > LEAST_BITS and all(far):
            chosen.append(each)
    return tuple(chosen[:most])


def credible(evidence: Evidence, confidence: float) -> tuple[int, int, float]:
    """Find the shortest part of the line that has the change with that probability.

    Args:
        evidence: What is known.
        confidence: The probability asked for.

    Returns:
        The revisions before and after the change, and its probability to lie there.
    """
    places = _places(evidence)
    if places is None:
        return evidence.before, evidence.after, 1.0
    groups = _groups(evidence, places)
    sums = [0.0, *accumulate(mass for _, _, mass in groups)]
    best = groups[0][0], groups[-1][1], sums[-1]
    first = 0
    for last in range(len(groups)):
        while sums[last + 1] - sums[first + 1] >= confidence and first < last:
            first += 1
        mass = sums[last + 1] - sums[first]
        found = groups[first][0], groups[last][1], mass
        if mass >= confidence and found[1] - found[0] < best[1] - best[0]:
            best = found
    return best


def _places(evidence: Evidence) -> list[float] | None:
    """The probability of each place: the number N stands for a change from revision before+N to the next.  None where
    the answers contradict a single change: then there are several."""
    count = evidence.after - evidence.before
    log_miss = math.log1p(-evidence.rate) if evidence.rate < 1 else -math.inf
    clean = [0] * (count + 1)
    for revision, runs in evidence.clean:
        clean[revision - evidence.before] += runs
    # A place makes its clean runs as unlikely as there are of them in revisions that have the defect.
    older = [0, *accumulate(clean)]
    logs = []
    for place in range(count):
        affected = older[-1] - older[place + 1] if evidence.rising else older[place + 1]
        logs.append(affected * log_miss if affected else 0.0)
    for revision in evidence.seen:
        at = revision - evidence.before
        for place in range(count):
            if (at <= place) if evidence.rising else (at > place):
                logs[place] = -math.inf
    most = max(logs)
    if most == -math.inf:
        return None
    weights = [math.exp(each - most) for each in logs]
    total = math.fsum(weights)
    return [each / total for each in weights]


def _groups(evidence: Evidence, places: list[float]) -> list[tuple[int, int, float]]:
    """Places that only skipped revisions lie between, as one: revision before, revision after, probability."""
    groups: list[tuple[int, int, float]] = []
    start = 0
    for place in range(len(places)):
        if evidence.before + place + 1 not in evidence.skipped:
            groups.append((evidence.before + start, evidence.before + place + 1, math.fsum(places[start : place + 1])))
            start = place + 1
    return groups


def _information(share: float, rate: float) -> float:
    """Bits that a run says about the place, in a revision that has the defect with that probability."""
    return _entropy(rate * share) - share * _entropy(rate)


def _entropy(share: float) -> float:
    if not 0 < share < 1:
        return 0.0
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)
