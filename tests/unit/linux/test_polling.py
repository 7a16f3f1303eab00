"""The loop that waits: its first true result, its missed deadline, its last probe."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, count, repeat

import pytest

from harness.linux.polling import DeadlineError, poll, wait_until


def true_at(number: int) -> Callable[[], int]:
    """A probe that returns 0 until its call `number`, and that number from then on."""
    calls = count(1)
    return lambda: number if next(calls) >= number else 0


def test_the_first_true_result_is_returned() -> None:
    assert wait_until("the third probe", 60, true_at(3), pause_s=0) == 3


def test_a_missed_deadline_names_the_state() -> None:
    with pytest.raises(DeadlineError, match=r"not within 0\.01 s: the moon is full"):
        wait_until("the moon is full", 0.01, lambda: False, pause_s=0.001)


def test_there_is_a_probe_after_the_deadline_and_none_after_that() -> None:
    probes = []
    assert poll(0, lambda: probes.append(1)) is None
    assert probes == [1]


def test_a_process_that_did_not_run_for_a_while_still_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = chain([0.0, 0.1], repeat(99.0))
    monkeypatch.setattr("harness.linux.polling.time.monotonic", lambda: next(clock))
    assert poll(1, true_at(2), pause_s=0) == 2


def test_an_error_of_the_probe_ends_the_wait() -> None:
    def probe() -> bool:
        raise PermissionError

    with pytest.raises(PermissionError):
        wait_until("nothing", 60, probe)
