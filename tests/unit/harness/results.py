"""Whole results, made from recorded verdicts, for the reports to tell."""

from __future__ import annotations

import errno
from dataclasses import replace

from harness.form import form
from harness.judge import judge, stuck_task
from harness.model import Attempt, Entry, Outcome, Resolution, Result, Timings, Verdict
from tests.unit.harness.records import recorded

NAMES = {"exit-flush-self": "defect", "exit-flush-peer-outside": "defect", "server-stopped": "behaviour"}


def verdict_of(name: str) -> Verdict:
    """With its checklist, as `run` completes it."""
    verdict = judge(recorded(name))
    if verdict.outcome is Outcome.RELEASED:
        return verdict
    return replace(verdict, form=form(verdict.snapshots[-1], stuck_task(verdict), Entry(0, errno.ENOMEM)))


def result_of(name: str) -> Result:
    verdict = verdict_of(name)
    released = verdict.outcome is Outcome.RELEASED
    resolution = Resolution("abort", "echo 1 > /sys/fs/fuse/connections/41/abort", True, 0.61, "ends the requests")
    return Result(
        scenario=name,
        kind=NAMES.get(name, "control"),
        verdict=verdict,
        armed=recorded(name)[0],
        resolution=None if released else resolution,
        timings=Timings(armed=80.5, kill_to_verdict=9.25, release=None if released else 0.61, total=101.0),
        mode="root",
        attempts=() if released else (Attempt("sigkill", "kill -KILL 1", "no error, and no effect", False),),
    )
