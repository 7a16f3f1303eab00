"""`fusezap diagnose` beside `ps -eLf`, 10,000 tasks: `python -m tests.bench.bench_diagnose [RUNS [STUCK]]`.

`STUCK` namespaces hang besides, each by a FUSE server of its own.  The commands take turns, each as a whole; prints one
JSON object: medians in seconds, their ratio to ps, and the most memory (MiB).  Needs root and a C compiler.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from harness.diagnosis import pyz
from harness.linux.fusectl import fusectl_opened
from tests.live.situations import Situations, built, killed

NAMESPACES, THREADS = 200, 50


def timed(argv: list[str], want: int) -> tuple[float, float]:
    """Seconds, and MiB."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, env, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    took = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) != want:
        sys.exit(f"exit status {os.waitstatus_to_exitcode(status)}, not {want}: {' '.join(argv)}")
    return took, usage.ru_maxrss / 1024


def main() -> None:
    runs, stuck = (*map(int, sys.argv[1:]), *(7, 0)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as name, fusectl_opened() as ctl:
        folder = Path(name)
        if ctl is None:
            sys.exit("no fusectl filesystem: run it as root")
        with Situations(built(folder), folder, ctl) as situations:
            situations.started(situations.program, "crowd", str(NAMESPACES), str(THREADS))
            for _ in range(stuck):
                killed(situations.container("serve", "flush", situations.point(), "hold"))
            measured(folder / "fusezap.pyz", runs, stuck)


def measured(file: Path, runs: int, stuck: int) -> None:
    pyz.build(file)
    commands = {
        "diagnose": ([sys.executable, "-P", "-m", "harness", "diagnose"], int(stuck > 0)),
        "pyz": ([sys.executable, str(file)], int(stuck > 0)),
        "ps": (["ps", "-eLf"], 0),
    }
    for command in commands.values():
        timed(*command)
    seen = [{key: timed(*command) for key, command in commands.items()} for _ in range(runs)]
    seconds = {key: statistics.median(each[key][0] for each in seen) for key in commands}
    told = {
        "tasks": NAMESPACES * THREADS,
        "stuck": stuck,
        "runs": runs,
        "median_s": {key: round(value, 3) for key, value in seconds.items()},
        "ratio_to_ps": {key: round(seconds[key] / seconds["ps"], 2) for key in ("diagnose", "pyz")},
        "memory_mib": {key: round(max(each[key][1] for each in seen), 1) for key in commands},
    }
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
