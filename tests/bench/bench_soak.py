"""Are the verdicts right, over many runs?  `python -m tests.bench.bench_soak [RUNS [JOBS]]`, default 1000 and 2.

Runs exit-flush-self and healthy RUNS times each, JOBS at a time, and prints one JSON object: how often each outcome was
seen, what was left behind, runs a second, and the resident memory at the beginning and at the end.
"""

from __future__ import annotations

import collections
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psutil

from harness.errors import FusezapError
from harness.runner import SILENT, Options, run
from harness.scenario import catalogue

EXPECTED = {"exit-flush-self": "deadlock", "healthy": "released"}


def one(name: str) -> tuple[str, str, str, int, int]:
    """(scenario, outcome, reasons, things left behind, resident bytes of this worker)"""
    try:
        result = run(catalogue()[name], Options(), SILENT)
    except FusezapError as error:
        return name, "error", str(error), 0, 0
    reasons = "; ".join(result.verdict.reasons)
    return name, result.verdict.outcome.value, reasons, len(result.leftovers), psutil.Process().memory_info().rss


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    start = time.monotonic()
    work = [name for _ in range(runs) for name in EXPECTED]
    done = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for number, each in enumerate(pool.map(one, work), start=1):
            done.append(each)
            if sys.stderr.isatty():
                print(f"\r{number}/{len(work)}", end="", file=sys.stderr)
    seen = collections.Counter(f"{name}: {outcome}" for name, outcome, *_ in done)
    print(
        json.dumps(
            {
                "runs": len(done),
                "right": sum(EXPECTED[name] == outcome for name, outcome, *_ in done),
                "left_behind": sum(left for *_, left, _ in done),
                "outcomes": dict(seen),
                "wrong": [f"{name}: {reasons}" for name, outcome, reasons, *_ in done if EXPECTED[name] != outcome],
                "runs_per_second": round(len(done) / (time.monotonic() - start), 1),
                "resident_mib": {
                    "after_100": round(max(rss for *_, rss in done[:100]) / 2**20, 1),
                    "at_the_end": round(max(rss for *_, rss in done[-100:]) / 2**20, 1),
                },
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
