"""Correct verdicts and constant memory over many runs:  `python -m tests.bench.bench_soak [RUNS [JOBS]]`.

Runs exit-flush-self RUNS times and healthy a tenth as often (default 5000 and 2 jobs), as `run --repeat --jobs` does,
and prints one JSON object: how often each outcome was seen, what was left behind, runs a second, and the resident
memory of this process and its workers after 100 runs and at the end.
"""

from __future__ import annotations

import json
import sys
import time

import psutil

from harness.catalogue import catalogue
from harness.run.pool import workers
from harness.run.request import RunRequest
from harness.run.tally import Tally

EXPECTED = {"exit-flush-self": "deadlock", "healthy": "released"}


def resident_mib() -> float:
    """Resident MiB of this process and its workers; pages that they share are counted for each."""
    processes = [psutil.Process(), *psutil.Process().children()]
    return round(sum(each.memory_info().rss for each in processes) / 2**20, 1)


def soak(name: str, runs: int, jobs: int) -> dict[str, object]:
    tally: Tally | None = None
    errors = 0
    after_100 = at_the_end = 0.0
    with workers(jobs) as pool:
        request = RunRequest(catalogue()[name])
        start = time.monotonic()
        for number, reply in enumerate(pool.runs(request, runs), start=1):
            if reply.result is None:
                errors += 1
                continue
            tally = tally or Tally(reply.result.kernel, reply.result.about)
            tally.add(reply.result)
            if number == min(100, runs):
                after_100 = resident_mib()
            if sys.stderr.isatty():
                print(f"\r{name} {number}/{runs}", end="", file=sys.stderr)
        took = time.monotonic() - start
        at_the_end = resident_mib()
    assert tally is not None
    series = tally.series(duration_s=took)
    return {
        "runs": runs,
        "outcomes": {count.outcome.value: count.times for count in series.counts},
        "right": sum(count.times for count in series.counts if count.outcome == EXPECTED[name]),
        "errors": errors,
        "left_behind": len(series.leftovers),
        "runs_per_second": round(runs / took, 1),
        "resident_mib": {"after_100": after_100, "at_the_end": at_the_end, "ratio": round(at_the_end / after_100, 3)},
    }


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    found = {
        "exit-flush-self": soak("exit-flush-self", runs, jobs),
        "healthy": soak("healthy", max(runs // 10, 1), jobs),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
