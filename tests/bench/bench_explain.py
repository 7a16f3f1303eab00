"""`python -m tests.bench.bench_explain`: seconds and memory of `fusezap explain` for 100 MB of log.

Four logs: one of services that is quiet but for a few reports, one of the kernel's everyday lines, one of reports
alone, and one of random bytes.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SIZE = 100 * 1000 * 1000
DATA = Path(__file__).parents[1] / "data" / "explain"


def quiet() -> Iterator[bytes]:
    """Lines of services, and each report of the test data once."""
    for text in sorted(DATA.glob("*.txt")):
        yield text.read_bytes()
        yield b"".join(
            b"Nov 27 10:41:36 host1 app[%d]: GET /item/%d HTTP/1.1 200 %d\n" % (at % 9000, at, at * 7)
            for at in range(30_000)
        )


def everyday() -> Iterator[bytes]:
    """Lines of the kernel in which nothing hangs, some with words of the dialects."""
    source = random.Random(2)
    for second in range(10_000_000):
        line = source.choice(
            (
                "usb 1-1: new high-speed USB device number %d using xhci_hcd",
                "docker0: port 1(veth%06x) entered blocking state",
                'audit: type=1400 audit(1764300000.%d:42): apparmor="STATUS" operation="profile_load"',
                "EXT4-fs (sda%d): mounted filesystem with ordered data mode",
                "perf: interrupt took too long (%d > 2500), lowering kernel.perf_event_max_sample_rate",
            )
        )
        text = f"Nov 27 10:41:36 host1 kernel: [{second}.{second % 997:06}] {line % source.randrange(1 << 20)}\n"
        yield text.encode()


def reports() -> Iterator[bytes]:
    """Hung task reports of ever other tasks."""
    text = (DATA / "sysbox-1002.txt").read_text()
    for number in range(200_000):
        yield text.replace("4253", str(100_000 + number)).encode()


def noise() -> Iterator[bytes]:
    """Random bytes."""
    source = random.Random(1)
    while True:
        yield source.randbytes(1 << 16)


def main() -> None:
    for make in (quiet, everyday, reports, noise):
        with tempfile.NamedTemporaryFile(suffix=".log") as log:
            written = 0
            while written < SIZE:
                for block in make():
                    written += log.write(block)
                    if written >= SIZE:
                        break
            log.flush()
            began = time.monotonic()
            command = [sys.executable, "-m", "harness", "explain", "--json", log.name]
            ended = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, used = os.wait4(ended.pid, 0)
            seconds = time.monotonic() - began
            peak = used.ru_maxrss / 1024
            print(
                f"{make.__name__}: {written / 1e6:.0f} MB in {seconds:.1f} s "
                f"({used.ru_utime + used.ru_stime:.1f} s of CPU), {peak:.0f} MiB, "
                f"status {os.waitstatus_to_exitcode(status)}",
                flush=True,
            )
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"(this process itself: {own:.0f} MiB)")


if __name__ == "__main__":
    main()
