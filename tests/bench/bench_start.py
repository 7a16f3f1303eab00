"""The cost of `./fusezap` over the command that it starts: `python -m tests.bench.bench_start [RUNS]`.

Prints one JSON object, in milliseconds: `./fusezap --version`, the bare `python -m harness --version` with the same
settings, both timed in turn, and the median of the differences.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def timed(argv: list[str], env: dict[str, str]) -> float:
    start = time.monotonic()
    subprocess.run(argv, env=env, check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - start) * 1000


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    wrapped = [str(CHECKOUT / "fusezap"), "--version"]
    bare = [str(CHECKOUT / ".venv/bin/python"), "-P", "-m", "harness", "--version"]
    bare_env = {**env, "PYTHONPYCACHEPREFIX": str(CHECKOUT / ".venv/bytecode")}
    timed(wrapped, env)
    pairs = [(timed(wrapped, env), timed(bare, bare_env)) for _ in range(runs)]
    print(
        json.dumps(
            {
                "runs": runs,
                "fusezap_ms": round(statistics.median(whole for whole, _ in pairs), 2),
                "bare_ms": round(statistics.median(command for _, command in pairs), 2),
                "overhead_ms": round(statistics.median(whole - command for whole, command in pairs), 2),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
