"""Our own processes are killed at random moments; nothing may be left, two seconds later or after `clean`."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from harness.guard.sweep import sweep
from harness.linux.polling import poll, wait_until
from tests.live.conftest import NOTHING, traces

AFTER_S = 2.0
WHOLE_RUN_S = 0.35
"""Longer than a run takes: the moments are spread over all of it, and some beyond."""


def started(*scenario: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-P", "-m", "harness", "run", *scenario, "--format", "json"]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def descendants() -> list[int]:
    """Reaps what has ended; what is left below this process."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return [child.pid for child in psutil.Process().children(recursive=True)]


def gone_within(seconds: float) -> bool:
    return poll(seconds, lambda: not descendants() and traces() == NOTHING)


def guard_of(harness: int) -> int | None:
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(harness).children():
            if child.name() == "fusezap-guard":
                return child.pid
    return None


def kill_harness(harness: int) -> None:
    os.kill(harness, signal.SIGKILL)


def kill_group(harness: int) -> None:
    os.killpg(harness, signal.SIGKILL)


def kill_guard(harness: int) -> None:
    guard = guard_of(harness)
    if guard is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(guard, signal.SIGKILL)


def kill_both(harness: int) -> None:
    os.kill(harness, signal.SIGSTOP)
    kill_guard(harness)
    os.kill(harness, signal.SIGKILL)


def killed_at_random(kill: Callable[[int], None], runs: int, seed: int, scenarios: tuple[str, ...]) -> Iterator[str]:
    """Kills one run after the other, each at a moment of its own; yields what to say when something is left."""
    moments = random.Random(seed)
    for number in range(runs):
        moment = moments.uniform(0, WHOLE_RUN_S)
        scenario = scenarios[number % len(scenarios)]
        running = started(scenario)
        time.sleep(moment)
        with contextlib.suppress(ProcessLookupError):
            kill(running.pid)
        running.wait(30)
        yield f"run {number} of {scenario}, killed after {moment * 1000:.1f} ms"


BOTH_PLACES = ("exit-flush-self", "exit-flush-peer-outside")
OTHERS = (
    *("tracer-outside", "frozen-cgroup", "exit-flush-no-namespace", "exit-flush-nested-namespace"),
    *("exit-flush-voluntary", "nested-fsync", "read-self", "close-queued"),
)
"""In which more than a namespace, or something else than one, is at stake."""


@pytest.mark.slow
def test_harness_killed_at_200_moments() -> None:
    for what in killed_at_random(kill_harness, 200, 1, BOTH_PLACES):
        assert gone_within(AFTER_S), f"{what}: {traces()}, {descendants()}"


@pytest.mark.parametrize("kill", [kill_harness, kill_group])
def test_harness_killed(kill: Callable[[int], None]) -> None:
    for what in killed_at_random(kill, 12, 2, BOTH_PLACES):
        assert gone_within(AFTER_S), f"{what}: {traces()}, {descendants()}"


@pytest.mark.parametrize("kill", [kill_harness, kill_both])
@pytest.mark.parametrize("rounds", [1, pytest.param(6, marks=pytest.mark.slow)])
def test_of_every_kind(kill: Callable[[int], None], rounds: int) -> None:
    for what in killed_at_random(kill, rounds * len(OTHERS), 4, OTHERS):
        end = time.monotonic() + AFTER_S
        while not gone_within(0.2) and time.monotonic() < end:
            if kill is kill_both:
                list(sweep())
        assert gone_within(0.1), f"{what}: {traces()}, {descendants()}"


@pytest.mark.parametrize("kill", [kill_guard, kill_both])
@pytest.mark.parametrize("runs", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_clean_removes_what_a_killed_guard_leaves(kill: Callable[[int], None], runs: int) -> None:
    for what in killed_at_random(kill, runs, 3, BOTH_PLACES):
        end = time.monotonic() + AFTER_S
        left = list(sweep())
        while not gone_within(0.05) and time.monotonic() < end:
            left = list(sweep())
        assert gone_within(0.1), f"{what}: {traces()}, {descendants()}, {left}"


def test_clean_touches_no_connection_of_others() -> None:
    """A living run is somebody else's as long as its harness lives."""
    running = started("exit-flush-peer-outside")
    try:
        wait_until("the run has a guard", 30, lambda: guard_of(running.pid))
        assert all(each.in_use or not each.actions for each in sweep())
        assert running.wait(30) == 0
    finally:
        running.kill()
        running.wait()
    assert gone_within(AFTER_S)
