"""`check --kernel SPEC` beside virtme-ng that runs `true`: `python -m tests.bench.bench_kernel SPEC [RUNS]`.

Both boot the same kernel, emulated, in turn; prints one JSON object: seconds of the whole commands, medians, and their
ratio.  Takes `vng` on PATH (virtme-ng); without it, and for a kernel of another architecture, our own figure alone.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from harness.kernels import spec as kernel_spec

PATIENCE_S = 120
"""virtme-ng may wait for ever for a kernel that it cannot boot."""
CHECKOUT = Path(__file__).parents[2]


def timed(argv: list[str]) -> float:
    start = time.monotonic()
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    null = subprocess.DEVNULL
    process = subprocess.Popen(argv, env=env, stdin=null, stdout=null, stderr=null, start_new_session=True)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise SystemExit(f"{argv[0]} did not end within {PATIENCE_S} s: can it boot that kernel?") from None
    return time.monotonic() - start


def main() -> None:
    spec = sys.argv[1]
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    image = kernel_spec.find(spec, print)
    ours = [str(CHECKOUT / "fusezap"), "check", "--kernel", spec]
    theirs = ["vng", "--verbose", "--run", str(image.kernel), "--disable-kvm", "--force-9p", "--cpus", "1"]
    theirs += ["--memory", "1G", "--user", "root", "--exec", "true"]
    timed(ours)
    both = shutil.which("vng") is not None and image.machine == os.uname().machine
    pairs = [(timed(ours), timed(theirs) if both else 0.0) for _ in range(runs)]
    check, true = (statistics.median(column) for column in zip(*pairs, strict=True))
    told = {"kernel": image.release, "runs": runs, "check_s": round(check, 2), "virtme_true_s": round(true, 2)}
    print(json.dumps({**told, "ratio": round(check / true, 2) if true else None}, indent=2))


if __name__ == "__main__":
    main()
