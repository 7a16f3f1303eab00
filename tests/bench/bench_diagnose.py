"""`fusezap diagnose` beside `ps -eLf` on a machine of 10,000 tasks: `python -m tests.bench.bench_diagnose [RUNS]`.

Both in turn, whole commands; prints one JSON object: medians in seconds, their ratio, and the most memory that
diagnose took (MiB, its children included).  Needs a C compiler.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import single_file
from tests.live.situations import built

NAMESPACES, THREADS = 200, 50


def timed(argv: list[str]) -> tuple[float, float]:
    """Seconds, and MiB."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.monotonic()
    with subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"exit status {process.returncode}: {' '.join(argv)}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "fusezap.pyz"
        single_file.build(file)
        commands = {
            "diagnose": [sys.executable, "-P", "-m", "harness", "diagnose"],
            "pyz": [sys.executable, str(file)],
            "ps": ["ps", "-eLf"],
        }
        crowd = [str(built(folder)), "crowd", str(NAMESPACES), str(THREADS)]
        with subprocess.Popen(crowd, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            for argv in commands.values():
                timed(argv)
            seen = [{key: timed(argv) for key, argv in commands.items()} for _ in range(runs)]
            process.kill()
    seconds = {key: statistics.median(each[key][0] for each in seen) for key in commands}
    memory = {key: max(each[key][1] for each in seen) for key in commands}
    print(json.dumps({
        "tasks": NAMESPACES * THREADS,
        "runs": runs,
        "median_s": {key: round(value, 3) for key, value in seconds.items()},
        "ratio_to_ps": {key: round(seconds[key] / seconds["ps"], 2) for key in ("diagnose", "pyz")},
        "memory_mib": {key: round(value, 1) for key, value in memory.items()},
    }, indent=2))  # fmt: skip


if __name__ == "__main__":
    main()
