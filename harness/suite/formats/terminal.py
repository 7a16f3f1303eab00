"""A suite's results for a person: a line a case, what failed with its reasons, and the numbers at the end."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from harness.report.text import columns, duration, folded
from harness.report.width import width_of_terminal
from harness.suite.case import GOOD, CaseResult, Status, SuiteReport
from harness.suite.formats import _words

SUMMARY = "for a person: a line a case"
STYLES = {
    Status.PASS: "green",
    Status.FAIL: "bold red",
    Status.KNOWN: "yellow",
    Status.CHANGED: "bold red",
    Status.UNSURE: "bold magenta",
    Status.SKIPPED: "dim",
}
PIPE_WIDTH = 160


def render(report: SuiteReport) -> str:
    """Render without colour."""
    stream = io.StringIO()
    show(report, Console(file=stream, width=width_of_terminal(PIPE_WIDTH), highlight=False, color_system=None))
    return stream.getvalue()


def show(report: SuiteReport, console: Console) -> None:
    """Print the results."""
    for line in _lines(report):
        console.print(line, markup=False, emoji=False, soft_wrap=True)


def _lines(report: SuiteReport) -> Iterable[Text]:
    several = len({each.spec for each in report.results}) > 1
    rows = [_row(each, several) for each in report.results]
    for result, row in zip(report.results, columns(rows) if rows else [], strict=True):
        line = Text(row.rstrip())
        line.stylize(STYLES[result.status], 0, len(result.status))
        yield line
        if result.status not in GOOD:
            for reason in _words.reasons(result):
                yield Text(f"    {reason}")
    for error in report.errors:
        yield Text(f"error    {folded(error)}", "bold red")
    for name in report.gone:
        yield Text(f"gone     {name}: it was in the last run")
    changes = sum(each.differs for each in report.results)
    since = f"; {changes} of {len(report.results)} differ from the run of {report.last}" if report.last else ""
    yield Text(f"{_words.summary(report)} in {duration(report.duration_s)}{since}")


def _row(result: CaseResult, several: bool) -> tuple[str, ...]:
    kernel = (result.spec,) if several else ()
    why = folded(result.why) or _words.outcome(result)
    change = _words.change(result)
    return (str(result.status), result.case.name, *kernel, f"{why} ({change})" if change else why)
