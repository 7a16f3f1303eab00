"""The wording that the formats share."""

from __future__ import annotations

from harness.report.text import counted, folded
from harness.suite.assess import rates
from harness.suite.case import CaseResult, Status, SuiteReport

STUCK_REASONS = 3
"""Reasons of a verdict that are shown for a case that failed."""


def outcome(result: CaseResult) -> str:
    """The outcomes of its runs, in words."""
    if result.status is Status.SKIPPED:
        return "skipped"
    return rates(result.series) if result.series is not None and result.series.counts else "no outcome"


def change(result: CaseResult) -> str:
    """Its outcome in the last run, where that differs."""
    if not result.differs or result.before is None:
        return ""
    return f"was {', '.join(result.before.outcomes) or 'no outcome'}"


def reasons(result: CaseResult) -> list[str]:
    """The first reasons of the verdicts that were not expected, a line each."""
    if result.series is None:
        return []
    found = []
    for each in result.series.examples:
        if each.verdict.outcome not in result.case.expect:
            found += [f"{each.verdict.outcome}: {folded(reason)}" for reason in each.verdict.reasons[:STUCK_REASONS]]
    return found


def summary(report: SuiteReport) -> str:
    """The numbers, in one line."""
    parts = [f"{number} {status}" for status in Status if (number := report.count(status))]
    parts += [counted(len(report.errors), "error")] if report.errors else []
    return ", ".join(parts) or "nothing was run"
