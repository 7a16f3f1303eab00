"""The time for which a task has rested, whichever CPU it ran on and whichever reads it."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from harness.linux import procfs
from harness.linux.polling import wait_until
from harness.linux.sched import ERROR_S, parse_exec_start_ms, rested_s


def test_a_kernel_without_the_line() -> None:
    assert parse_exec_start_ms("cat (1, #threads: 1)\nse.vruntime : 1.5\n") is None


@pytest.mark.parametrize("slept_on", sorted(os.sched_getaffinity(0)))
@pytest.mark.parametrize("read_on", sorted(os.sched_getaffinity(0)))
def test_the_clocks_of_two_processors_are_not_compared(slept_on: int, read_on: int) -> None:
    """On a machine with a hypervisor, they can be seconds apart."""
    ours = os.sched_getaffinity(0)
    began = time.monotonic()
    sleeper = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: os.sched_setaffinity(0, {slept_on}))
    try:
        wait_until("it sleeps", 10, lambda: procfs.read(f"/proc/{sleeper.pid}/wchan").endswith("nanosleep"))
        os.sched_setaffinity(0, {read_on, slept_on})
        processor = procfs.read_process_stat(sleeper.pid).processor
        if rested_s(sleeper.pid, sleeper.pid, processor) is None:
            pytest.skip("missing: CONFIG_SCHED_DEBUG")
        wait_until("it has rested", 60, lambda: (rested_s(sleeper.pid, sleeper.pid, processor) or 0) > 0.3)
        rested = rested_s(sleeper.pid, sleeper.pid, processor)
        assert rested is not None
        assert rested <= time.monotonic() - began + ERROR_S
        assert os.sched_getaffinity(0) == {read_on, slept_on}
    finally:
        os.sched_setaffinity(0, ours)
        sleeper.kill()
        sleeper.wait()
