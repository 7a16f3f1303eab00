"""A suite's results as a table for a ticket or a job summary."""

from __future__ import annotations

from harness.report.text import folded
from harness.suite.case import GOOD, SuiteReport
from harness.suite.formats import _words

SUMMARY = "a table, for tickets and job summaries"


def render(report: SuiteReport) -> str:
    """Render the results."""
    lines = [f"**{_words.summary(report)}**, {_cell(report.started)}, fusezap {_cell(report.version)}", ""]
    lines += ["| case | kernel | status | outcome | why |", "|---|---|---|---|---|"]
    for each in report.results:
        change = _words.change(each)
        why = "; ".join(filter(None, (each.why, change)))
        lines.append(
            f"| {each.case.name} | {_cell(each.spec)} | {each.status} | {_cell(_words.outcome(each))} | {_cell(why)} |"
        )
    for each in report.results:
        if each.status not in GOOD and (reasons := _words.reasons(each)):
            lines += ["", f"{each.case.name} under {_cell(each.spec)}:", ""]
            lines += [f"- {_cell(reason)}" for reason in reasons]
    lines += [""] * bool(report.errors or report.gone)
    lines += [f"- error: {_cell(each)}" for each in report.errors]
    lines += [f"- gone since the last run: {_cell(each)}" for each in report.gone]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text that neither ends a cell nor becomes markup."""
    found = folded(text).replace("&", "&amp;").replace("<", "&lt;")
    for each in "\\|`*_[]":
        found = found.replace(each, f"\\{each}")
    return found
