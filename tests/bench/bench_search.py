"""A search on synthetic histories: `python -m tests.bench.bench_search [HISTORIES]` (default 1,000).

Prints one line of JSON for each kind: histories with skips and up to four changes, searched for one change and for
every one, by one and by four workers; and histories of a race that shows in a tenth of the runs, with a confidence of
0.9.  `wrong` counts answers that are not so.  `minimum` is the least mean number of rounds that information theory
allows: the bits that name the place, divided by the bits that a round can bring (for a race, by the capacity of a
Z-channel).
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from statistics import mean

from harness.bisect import search
from harness.bisect.search import Conclusion, Plan, Told
from tests.unit.bisect.test_search import BATCH, CONFIDENCE, RATE, History, holds, noisy_histories, right, synthetic


def searched(plan: Plan, history: History, chance: random.Random, workers: int, runs: int) -> tuple[Conclusion, int]:
    """The conclusion, and the number of rounds of tests at the same time."""
    told: list[Told] = []
    rounds = 0
    while chosen := search.ask(plan, told, workers):
        told += [history.test(each, chance, runs) for each in chosen]
        rounds += 1
    return search.conclude(plan, told), rounds


def figures(
    histories: Iterable[tuple[History, random.Random]],
    plan: Callable[[int], Plan],
    correct: Callable[[Conclusion, History], bool],
    workers: int = 1,
    runs: int = 1,
) -> dict[str, object]:
    wrong = exact = number = 0
    all_rounds: list[int] = []
    least: list[float] = []
    for history, chance in histories:
        conclusion, rounds = searched(plan(len(history.has_it)), history, chance, workers, runs)
        number += 1
        wrong += not correct(conclusion, history)
        exact += conclusion.exact
        all_rounds.append(rounds)
        least.append(math.log(max(1, len(history.has_it) - 1), workers + 1) / capacity(history.rate, runs))
    return {
        "histories": number,
        "wrong": wrong,
        "exact": exact,
        "rounds": round(mean(all_rounds), 2),
        "minimum": round(mean(least), 2),
    }


def capacity(rate: float, runs: int) -> float:
    """Bits of a test that shows the defect in a share of the runs, and never where there is none."""
    miss = (1 - rate) ** runs
    return math.log2(1 + (1 - miss) * miss ** (miss / (1 - miss)))


def with_skips(number: int) -> Iterator[tuple[History, random.Random]]:
    for seed in range(number):
        yield synthetic(random.Random(seed)), random.Random(seed)


def every_one_holds(conclusion: Conclusion, history: History) -> bool:
    return all(holds(each, history) for each in conclusion.changes)


def race(count: int) -> Plan:
    return Plan(count, rate=RATE, confidence=CONFIDENCE)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    kinds = {
        "one change": figures(with_skips(number), Plan, every_one_holds),
        "one change, four workers": figures(with_skips(number), Plan, every_one_holds, workers=4),
        "every change": figures(with_skips(number), lambda count: Plan(count, every=True), every_one_holds),
        "a race": figures(noisy_histories(number), race, right, runs=BATCH),
        "a race, four workers": figures(noisy_histories(number), race, right, workers=4, runs=BATCH),
    }
    for kind, found in kinds.items():
        print(json.dumps({"kind": kind, **found}))


if __name__ == "__main__":
    main()
