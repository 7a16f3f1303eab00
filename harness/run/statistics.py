"""Binomial confidence intervals, numbers of runs and latency quantiles.

Pure.  SciPy would take longer to start than a run takes.  The tails of the binomial distribution are summed from
`math.lgamma`; the bounds are found by bisection.  The tests compare them with exact fractions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from harness.model.records import Latency

_STEPS = 60
"""Halvings of [0, 1]: to the precision of a float."""


def clopper_pearson(hits: int, runs: int, confidence: float) -> tuple[float, float]:
    """The exact interval of a rate that showed `hits` times in `runs` (Clopper and Pearson, Biometrika 26, 1934).

    Its ends are the rates at which so many hits or more, and so many or fewer, have a probability of
    (1 - confidence) / 2.  ValueError for counts or a confidence that cannot be.
    """
    if not 0 <= hits <= runs or runs < 1 or not 0 < confidence < 1:
        raise ValueError(f"{hits} of {runs} at {confidence}")
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _root(lambda rate: at_least(hits, runs, rate) < tail)
    high = 1.0 if hits == runs else _root(lambda rate: at_least(runs - hits, runs, 1 - rate) > tail)
    return low, high


def at_least(hits: int, runs: int, rate: float) -> float:
    """The probability of `hits` or more in `runs` at this rate."""
    if rate <= 0 or rate >= 1:
        return float(hits == 0 or rate >= 1)
    logs = math.log(rate), math.log1p(-rate)
    total = math.lgamma(runs + 1)
    return math.fsum(
        math.exp(total - math.lgamma(k + 1) - math.lgamma(runs - k + 1) + k * logs[0] + (runs - k) * logs[1])
        for k in range(hits, runs + 1)
    )


def _root(below: Callable[[float], bool]) -> float:
    """The argument at which `below` turns from true to false."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2


def runs_needed(rate: float, confidence: float) -> int:
    """The number of runs without a hit that excludes a rate as high, with this confidence."""
    if not 0 < rate < 1 or not 0 < confidence < 1:
        raise ValueError(f"a rate of {rate} at {confidence}")
    return math.ceil(math.log1p(-confidence) / math.log1p(-rate))


def latency(values_ms: Sequence[float]) -> Latency | None:
    if not values_ms:
        return None
    ordered = sorted(values_ms)

    def quantile(share: float) -> float:
        """The smallest value that this share of all do not exceed."""
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return Latency(quantile(0.5), quantile(0.95), ordered[-1])
