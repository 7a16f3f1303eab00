"""Waits for a state that the kernel does not announce: probes again and again, up to a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_S = 0.005


class DeadlineError(TimeoutError):
    """The state that a caller waited for was not reached in time; the message names it."""


def wait_until(name: str, deadline_s: float, probe: Callable[[], T], pause_s: float = PAUSE_S) -> T:
    """Waits until `probe` returns something true.

    Args:
        name: The state waited for, as a clause that completes "not within 5 s: …".
        deadline_s: Seconds after which the wait fails.
        probe: Looks once. What it raises ends the wait.
        pause_s: Seconds between two probes.

    Returns:
        The first true result of `probe`.

    Raises:
        DeadlineError: `probe` returned nothing true, not even once after the deadline.
    """
    found = poll(deadline_s, probe, pause_s)
    if not found:
        raise DeadlineError(f"not within {deadline_s:g} s: {name}")
    return found


def poll(deadline_s: float, probe: Callable[[], T], pause_s: float = PAUSE_S) -> T:
    """Waits as `wait_until` does, and leaves it to the caller what a missed deadline means.

    The last probe begins after the deadline: a machine that is too busy to run this process does not fail the wait.

    Returns:
        The last result of `probe`: true, or whatever it returned after the deadline.
    """
    end = time.monotonic() + deadline_s
    while True:
        late = time.monotonic() >= end
        found = probe()
        if found or late:
            return found
        time.sleep(pause_s)
