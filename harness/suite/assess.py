"""Assesses the runs of a case: by what is expected, by the known failures, and by the last run.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from harness.model.records import NO_VERDICT, Series
from harness.model.terms import Outcome
from harness.suite.case import Before, Case, CaseResult, Known, Status


def assess(case: Case, spec: str, series: Series | None, known: Sequence[Known], before: Before | None) -> CaseResult:
    """Assess the runs of a case under one kernel.

    A failure that is seen once is a failure: its rate is reported, and it is never run again to hide it.

    Args:
        case: The case.
        spec: The kernel, as it was asked for.
        series: Its runs; None where the kernel could not be started.
        known: The list of known failures.
        before: The case in the last run.

    Returns:
        The result.
    """
    if series is None:
        return CaseResult(case, spec, None, Status.UNSURE, "it was not run", None, before)
    entry = entry_for(case.name, spec, series.kernel.release, known)
    status, why = _status(case, series, entry)
    return CaseResult(case, spec, series, status, why, entry, before)


def entry_for(case: str, spec: str, release: str, known: Sequence[Known]) -> Known | None:
    """The first known failure that fits."""
    return next(
        (
            each
            for each in known
            if fnmatchcase(case, each.case) and (fnmatchcase(spec, each.kernel) or fnmatchcase(release, each.kernel))
        ),
        None,
    )


def _status(case: Case, series: Series, entry: Known | None) -> tuple[Status, str]:
    if series.missing:
        return Status.SKIPPED, f"missing: {', '.join(series.missing)}"
    seen = {each.outcome for each in series.counts}
    wrong = seen - set(case.expect)
    if series.leftovers:
        return Status.FAIL, f"left behind: {'; '.join(series.leftovers)}"
    if wrong - NO_VERDICT:
        return _failed(case, series, seen, entry)
    if series.errors:
        return Status.UNSURE, "; ".join(series.errors)
    if wrong or not seen:
        return Status.UNSURE, f"no conclusion: {rates(series)}" if seen else "no run came to an outcome"
    if entry is not None and not seen & set(entry.outcomes):
        return Status.CHANGED, f"known to come to {_or(entry.outcomes)}, and it came to {rates(series)}"
    return Status.PASS, ""


def _failed(case: Case, series: Series, seen: set[Outcome], entry: Known | None) -> tuple[Status, str]:
    what = f"{rates(series)}, expected {_or(case.expect)}"
    if entry is None:
        return Status.FAIL, what
    if seen <= set(entry.outcomes):
        return Status.KNOWN, f"{what}; known{f': {entry.reason}' if entry.reason else ''}"
    return Status.CHANGED, f"{what}; known to come to {_or(entry.outcomes)}"


def rates(series: Series) -> str:
    """Write the outcomes: `deadlock`, or `released 17 of 20 (62 to 97 %), deadlock 3 of 20 (3 to 38 %)`.

    The interval is that of the rate, at the confidence of the series.
    """
    if series.runs == 1:
        return str(series.counts[0].outcome)
    return ", ".join(
        f"{each.outcome} {each.times} of {series.runs} ({100 * each.low:.0f} to {100 * each.high:.0f} %)"
        for each in series.counts
    )


def _or(outcomes: Sequence[Outcome]) -> str:
    return " or ".join(outcomes)
