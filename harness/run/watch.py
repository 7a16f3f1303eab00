"""Looks at a killed namespace again and again, until the verdict is final or the patience is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from harness.judge.verdict import judge
from harness.linux import procfs
from harness.linux.polling import poll
from harness.linux.process import Target
from harness.model.records import PF_EXITING, Outcome, Snapshot, Verdict

FINAL = frozenset({Outcome.RELEASED, Outcome.DEADLOCK})
MOVING_S = 20.0
"""Seconds that a namespace may go on changing before the outcome is inconclusive."""
_SHORTEST_S, _LONGEST_S = 0.0003, 0.02


def watch(
    target: Target,
    look: Callable[[], Snapshot],
    patience_s: float,
    settled: Callable[[Verdict], bool] = lambda _: False,
) -> Iterator[Verdict]:
    """Judge one look after the other until a verdict is final.

    Args:
        target: The namespace that was killed.
        look: Takes a snapshot of it.
        patience_s: Seconds that the namespace must stay starved before that is the outcome.  A proof needs no time.
        settled: Whether a starved verdict needs no time either, because who could end the wait is known not to.

    Yields:
        The verdict on each look; the last one is final.
    """
    limit = time.monotonic() + max(patience_s, MOVING_S)
    starved_since: float | None = None
    _until_init_rests(target, limit)
    pause = _SHORTEST_S
    before: Snapshot | None = None
    while True:
        now = look()
        verdict = judge((now,) if before is None else (before, now))
        yield verdict
        clock = time.monotonic()
        if verdict.outcome in FINAL or clock > limit or settled(verdict):
            return
        if verdict.outcome is not Outcome.STARVED:
            starved_since = None
        elif starved_since is None:
            starved_since = clock
        elif clock - starved_since > patience_s:
            return
        before = now
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_S)


def _until_init_rests(target: Target, deadline: float) -> None:
    """No look over the whole machine before init has exited or sleeps: until then nothing can be judged.

    A matter of speed alone; what is looked at is judged the same.
    """

    def rests() -> bool:
        try:
            stat = procfs.read_process_stat(target.init)
        except (FileNotFoundError, ProcessLookupError):
            return True
        return stat.start_time != target.start_time or bool(stat.flags & PF_EXITING and stat.state in "SDZX")

    poll(deadline - time.monotonic(), rests, _SHORTEST_S)
