"""One row an answer, for a spreadsheet."""

from __future__ import annotations

import csv
import io

from harness.report.text import visible
from harness.runtimes.records import Answer, RuntimesReport

SUMMARY = "one row an answer"


def render(report: RuntimesReport) -> str:
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(("runtime", "version", "kernel", "experiment", "when", "operation", "status", "seconds", "words"))
    for subject in report.subjects:
        version = subject.versions[0][1] if subject.versions else ""
        for course in subject.courses:
            for each in course.operations:
                answer = each.answer
                status = "" if answer.status is None else answer.status
                foreign = map(_cell, (version, report.kernel.release))
                row = (subject.name, *foreign, course.experiment, each.when, each.name)
                table.writerow((*row, status, f"{answer.took_s:.3f}", _cell(_said(answer))))
    return stream.getvalue()


def _said(answer: Answer) -> str:
    return f"not measured: {answer.error}" if answer.error else answer.words


def _cell(text: str) -> str:
    """A text of others; a spreadsheet takes what begins with one of these for a formula."""
    shown = visible(text)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown
