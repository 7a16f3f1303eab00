"""Looks again and again until the verdict is final, or patience is at an end."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.judge.verdict import judge
from harness.linux import procfs
from harness.linux.polling import poll
from harness.linux.process import Target
from harness.model.records import PF_EXITING, Outcome, Snapshot, Verdict

FINAL = frozenset({Outcome.RELEASED, Outcome.DEADLOCK})
MOVING_S = 20.0
"""How long a namespace may go on changing before the answer is that it cannot be told."""
_SHORTEST_S, _LONGEST_S = 0.0003, 0.02


def watch(
    target: Target,
    look: Callable[[], Snapshot],
    patience_s: float,
    report: Callable[[Verdict], None],
    settled: Callable[[Verdict], bool] = lambda _: False,
) -> Verdict:
    """`patience_s` is how long it is to stay starved before that counts as the outcome; a proof needs no time, nor does
    a verdict that is `settled`, for who could end it will not.

    `report` is called with every verdict, final or not.
    """
    limit = time.monotonic() + max(patience_s, MOVING_S)
    starved_since: float | None = None
    _until_init_rests(target, limit)
    pause = _SHORTEST_S
    before: Snapshot | None = None
    while True:
        now = look()
        verdict = judge((now,) if before is None else (before, now))
        report(verdict)
        clock = time.monotonic()
        if verdict.outcome in FINAL or clock > limit or settled(verdict):
            return verdict
        if verdict.outcome is not Outcome.STARVED:
            starved_since = None
        elif starved_since is None:
            starved_since = clock
        elif clock - starved_since > patience_s:
            return verdict
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
