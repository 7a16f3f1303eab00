"""The cost of a KVM that fails: `python -m tests.bench.bench_kvm SPEC [RUNS]`, as root.

`check healthy --kernel SPEC` as this machine is, each time as for the first time since its boot, beside the same in a
mount namespace without /dev/kvm, in turn.  Prints one JSON object: medians of the seconds of the whole commands and of
their processor time, and the ratios.  Where KVM works, the ratios say how much it saves.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from harness.vm import accelerator

CHECKOUT = Path(__file__).parents[2]
_HIDDEN = """
set -e
keep=$(mktemp -d)
mount -t tmpfs fusezap-bench "$keep"
for each in null zero full random urandom fuse shm; do
    if [ -d "/dev/$each" ]; then mkdir "$keep/$each"; else : >"$keep/$each"; fi
    mount --rbind "/dev/$each" "$keep/$each"
done
mount --rbind "$keep" /dev
exec "$@"
"""
_PREFIX = ("unshare", "--mount", "--propagation", "private", "--", "sh", "-c", _HIDDEN, "sh")


def timed(argv: list[str]) -> tuple[float, float]:
    """Seconds of the wall clock and of processors."""
    accelerator.forget_failure()
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    subprocess.run(argv, env=env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    took, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    spec, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    there = [sys.executable, "-P", "-m", "harness", "check", "healthy", "--kernel", spec]
    hidden = [*_PREFIX, *there]
    timed(hidden)  # fetches the kernel
    pairs = [(timed(there), timed(hidden)) for _ in range(runs)]
    told: dict[str, object] = {
        "kernel": spec,
        "runs": runs,
        "kvm": "absent" if not os.path.exists("/dev/kvm") else accelerator.failure() or "not used, or works",
    }
    for name, place in (("s", 0), ("processor_s", 1)):
        one, other = (statistics.median(each[side][place] for each in pairs) for side in (0, 1))
        told |= {
            f"there_{name}": round(one, 2),
            f"hidden_{name}": round(other, 2),
            f"ratio_{name}": round(one / other, 2),
        }
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
