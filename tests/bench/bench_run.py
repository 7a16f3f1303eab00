"""The cost of a run, in milliseconds: `python -m tests.bench.bench_run [RUNS]`.

Prints one JSON object: for each figure the median, p95 and maximum over RUNS runs of exit-flush-self in one process;
of the whole `./fusezap run --format json`, warm, of the bare script `tests/bench/floor.py` and of a bare Python start,
measured in turn; and the median ratio of a command to the bare script that ran right after it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness.catalogue import catalogue
from harness.model.events import Counted
from harness.model.records import Outcome, Result
from harness.run.request import RunRequest
from harness.run.runner import run_once

CHECKOUT = Path(__file__).parents[2]
FIGURES = ("armed", "kill_to_verdict", "release", "total")


def summary(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 2),
        "p95": round(ordered[int(len(ordered) * 0.95)], 2),
        "max": round(ordered[-1], 2),
    }


def timed(argv: list[str]) -> float:
    start = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - start) * 1000


def result() -> Result:
    *_, last = run_once(RunRequest(catalogue()["exit-flush-self"]))
    assert isinstance(last, Counted)
    assert last.result is not None
    return last.result


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    results = [result() for _ in range(runs)]
    command = [str(CHECKOUT / "fusezap"), "run", "--format", "json"]
    timed(command)
    floor = [sys.executable, "-P", str(CHECKOUT / "tests/bench/floor.py")]
    bare = [sys.executable, "-P", "-c", "pass"]
    commands = [(timed(command), timed(floor), timed(bare)) for _ in range(max(10, runs // 5))]
    print(
        json.dumps(
            {
                "runs": runs,
                "deadlocks": sum(result.verdict.outcome is Outcome.DEADLOCK for result in results),
                "left_behind": sum(len(result.leftovers) for result in results),
                **{f"{name}_ms": summary([getattr(result.timings, name) for result in results]) for name in FIGURES},
                "command_ms": summary([whole for whole, _, _ in commands]),
                "floor_ms": summary([floor_ms for _, floor_ms, _ in commands]),
                "bare_python_ms": summary([python for _, _, python in commands]),
                "command_to_floor": round(statistics.median(whole / floor_ms for whole, floor_ms, _ in commands), 2),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
