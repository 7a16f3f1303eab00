"""A bug report to send to a kernel list: plain text that is Markdown too, no line of more than 75 columns.

What comes from the machine (names, evidence, stacks, commands) stands in indented code, where Markdown has no meaning
but the blank line; prose has its special characters escaped, and only where they would be special.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from harness.model.records import NO_VERDICT, STUCK, About, Kernel, Mark, Outcome, Report, Result, Series
from harness.report import cells, proof
from harness.report.proof import MEANS
from harness.report.tasks import glossary
from harness.report.text import Line, counted, folded, paragraphs, percent, visible, wrapped

SUMMARY = "a bug report in Markdown, to be sent to a kernel list as it is"
WIDTH = 75
CODE = "    "

_LEADERS = re.compile(r"^(\s*)(#|>|\+(?=\s)|-(?=\s)|[-=]+$|(\d+)(?=[.)]\s))")
"""Characters that begin a block at the start of a line: in CommonMark, some of them interrupt a paragraph."""
_SPECIAL = re.compile(r"[\\`*<]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|(?<=\])[(\[:]|~(?=~)|(?<=~)~|\|")
"""An underscore inside of a word is not special: `zap_pid_ns_processes()` stays as it is."""

_TITLES = {
    Outcome.DEADLOCK: "{what} deadlocks",
    Outcome.STARVED: "{what} is stuck",
    Outcome.FAILED: "a wrong result",
    Outcome.RELEASED: "{what} goes away that should not",
    Outcome.NOT_EXERCISED: "the path under test did not run",
    Outcome.INCONCLUSIVE: "{what}, and no proof of what keeps it",
    Outcome.LOST_VM: "the virtual machine was lost",
}
_WHY = {
    Outcome.DEADLOCK: "Why it is a deadlock",
    Outcome.STARVED: "Why it is stuck, and no deadlock",
    Outcome.INCONCLUSIVE: "What is known",
    Outcome.LOST_VM: "How the machine was lost",
}


def render(report: Report) -> str:
    bugs = [series for series in report.series if _remarkable(series)]
    others = [series for series in report.series if not _remarkable(series)]
    matrix = cells.matrix_of(report.series)
    parts = [_side_by_side(report, matrix)] if matrix else []
    parts += [_bug(report, same) for same in _same_result(bugs)]
    if others or report.errors or not bugs:
        parts.append(_others(report, others, bool(bugs)))
    return "\n".join("\n".join(part) for part in _ruled(parts))


def _same_result(bugs: list[Series]) -> list[list[Series]]:
    """Group series that make one bug report: the same scenario and result, but each lost machine alone."""
    found: dict[object, list[Series]] = {}
    for number, series in enumerate(bugs):
        outcomes = frozenset(count.outcome for count in series.counts)
        lost = number if Outcome.LOST_VM in outcomes else None
        found.setdefault((series.about, series.mark, outcomes, lost), []).append(series)
    return list(found.values())


def _side_by_side(report: Report, matrix: cells.CellTable) -> list[str]:
    """Make a table with the names or numbers of the kernels, or a list for each kernel where that is too wide."""
    names = list(cells.kernel_names(matrix.kernels).values())
    lines = _heading(f"fusezap: {len(matrix.rows)} scenarios under {len(names)} kernels", "=")
    lines += [*_prose(f"By fusezap {report.version}, {report.started}:"), *_shell(report.command)]
    rows = [
        (row.about.name, *(_cell([report.series[number] for number in numbers]) for numbers in row.cells))
        for row in matrix.rows
    ]
    table = _pipes(("scenario", *names), rows)
    if table is not None:
        return [*lines, *table]
    numbers = [f"[{number}]" for number in range(1, len(names) + 1)]
    table = _pipes(("scenario", *numbers), rows)
    if table is not None:
        legend = _bullets(f"{number} {name}" for number, name in zip(numbers, names, strict=True))
        return [*lines, *legend, "", *table]
    for column, name in enumerate(names, start=1):
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row[column], []).append(row[0])
        lines += [*_prose(f"Kernel {name}:"), *_bullets(f"{cell}: {', '.join(those)}" for cell, those in found.items())]
        lines.append("")
    return lines


def _cell(every: list[Series]) -> str:
    """Write a cell; results that differ from run to run are marked."""
    parts = [f"{'DIFFERS: ' if cells.mixed(series) else ''}{cells.words(series)}" for series in every]
    return "; ".join(parts).replace(" · ", ", ") or cells.NOT_RUN


def _ruled(parts: list[list[str]]) -> list[list[str]]:
    """Separate reports by a rule without hyphens, which mail programs and git would interpret."""
    return [part if number == 0 else ["* * *", "", *part] for number, part in enumerate(parts)]


def _remarkable(series: Series) -> bool:
    return series.mark in (Mark.FAIL, Mark.UNSURE) or any(count.outcome in STUCK for count in series.counts)


def _shown(series: Series) -> list[Result]:
    """Select the runs that did not come to the wanted outcome, and those that hang."""
    return [
        result
        for result in series.examples
        if result.verdict.outcome in STUCK or result.verdict.outcome is not series.about.want
    ]


def _bug(report: Report, same: list[Series]) -> list[str]:
    series = same[0]
    about = series.about
    lines = [*_heading(_title(same), "="), *_facts(report, same), *_summary(series)]
    lines += [*_heading("How to reproduce it", "-"), *_steps(report, about)]
    lines += [*_heading("What the kernel does", "-"), *_prose(*paragraphs(about.why)), *_measured(about)]
    shown = _shown(series)
    if shown and len(same) > 1:
        lines += _prose(f"What follows is of {series.kernel.release}.")
    for result in shown:
        lines += _evidence(result, f" ({result.verdict.outcome})" if len(shown) > 1 else "")
    lines += [*_heading("What a kernel without it does", "-"), *_wanted(series)] if series.mark is Mark.FAIL else []
    lines += _heading("Figures", "-")
    for each in same:
        lines += _prose(f"Kernel {_uname(each.kernel)}:") if len(same) > 1 else []
        lines += _figures(each)
    return lines


def _title(same: list[Series]) -> str:
    series = same[0]
    wrong = [count.outcome for count in series.counts if count.outcome is not series.about.want]
    stuck = [count.outcome for count in series.counts if count.outcome in STUCK]
    proven = [outcome for outcome in wrong if outcome not in NO_VERDICT]
    seen = (proven or wrong or stuck)[:1]
    what = _TITLES[seen[0]].format(what=_dying(series)) if seen else "a run that cannot be judged"
    prefix = "[BUG] fuse" if series.mark is Mark.FAIL else "fuse"
    design = ", by design" if series.mark is Mark.REPORTED else ""
    more = f" and {counted(len(same) - 1, 'more kernel')}" if len(same) > 1 else ""
    return f"{prefix}: {what}{design} ({series.about.name}, {series.kernel.release}{more})"


def _uname(kernel: Kernel) -> str:
    return f"{kernel.release} {kernel.version} {kernel.machine}"


def _dying(series: Series) -> str:
    """Name what dies: a PID namespace, or only a process."""
    snapshots = [snapshot for result in series.examples for snapshot in result.verdict.snapshots]
    return "a dying process" if any(snapshot.pid_ns is None for snapshot in snapshots) else "a dying PID namespace"


def _facts(report: Report, same: list[Series]) -> list[str]:
    modes = sorted({result.mode for series in same for result in series.examples})
    found = f"Found by: fusezap {report.version}, {report.started}{', mode ' if modes else ''}{', '.join(modes)}"
    if len(same) == 1:
        series = same[0]
        facts = [f"Kernel: {_uname(series.kernel)}", found, f"Seen: {proof.headline(series)}"]
    else:
        facts = [found, *(f"Kernel: {_uname(each.kernel)}; seen: {proof.headline(each)}" for each in same)]
    return [*_bullets(facts), ""]


def _summary(series: Series) -> list[str]:
    seen = [f"{count.outcome} ({MEANS[count.outcome]})" for count in series.counts]
    came = f" It came to {', and to '.join(seen)}." if seen else ""
    want = f" A kernel free of the defect comes to: {series.about.want}." if series.mark is Mark.FAIL else ""
    design = " This is how FUSE is designed, and no defect." if series.mark is Mark.REPORTED else ""
    return _prose(f"The scenario {series.about.name} {series.about.summary}.{came}{want}{design}")


def _steps(report: Report, about: About) -> list[str]:
    lines = [
        *_prose(f"With fusezap {report.version}, where an abort ends it again:"),
        *_shell(f"fusezap run {about.name}"),
    ]
    if not about.steps:
        return lines
    lines += _prose("By hand:")
    for number, step in enumerate(about.steps, start=1):
        lines += _wrap(_sentence(step), f"{number}. ", " " * len(f"{number}. "))
    return [*lines, ""]


def _sentence(text: str) -> str:
    text = folded(text)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", ":")) else ".")


def _measured(about: About) -> list[str]:
    return [*_prose("Measured before:"), *_bullets(about.measured), ""] if about.measured else []


def _evidence(result: Result, which: str) -> list[str]:
    verdict = result.verdict
    lines: list[str] = []
    if verdict.graph is not None and verdict.snapshots:
        snapshot = verdict.snapshots[-1]
        lines += [*_heading(f"Processes{which}", "-"), *_code(proof.process_lines(snapshot))]
        lines += [
            *_heading(f"Stacks, innermost first{which}", "-"),
            *_code(proof.stack_lines(snapshot, meanings=False)),
        ]
        lines += _glossary(glossary(snapshot))
    lines += [*_heading(_WHY.get(verdict.outcome, "What is known") + which, "-"), *_code(proof.reasons(verdict))]
    console = proof.console_of(verdict)
    lines += [*_prose("The last lines of its console:"), *_code((0, line) for line in console)] if console else []
    if verdict.graph is not None:
        lines += _prose(
            "The wait-for graph. A dead node can make no progress, whatever happens elsewhere. Each wait is observed "
            "(the kernel shows it), derived (by the rule that is named) or assumed (it could not be ruled out)."
        )
        lines += _code(proof.wait_lines(verdict))
    if verdict.form:
        lines += [*_heading(f"Form of the hang{which}", "-"), *_code(proof.checklist(verdict.form))]
    return [*lines, *_ends(result, which)]


def _glossary(meanings: dict[str, str]) -> list[str]:
    if not meanings:
        return []
    names: dict[str, list[str]] = {}
    for name, meaning in meanings.items():
        names.setdefault(meaning, []).append(name)
    lines = [(0, f"{', '.join(same)}: {meaning}") for meaning, same in names.items()]
    return [*_prose("The functions that matter:"), *_code(lines)]


def _ends(result: Result, which: str) -> list[str]:
    if not proof.remedies(result):
        return []
    lines = _heading(f"What ends it{which}", "-")
    for attempt in result.attempts:
        lines += _prose(f"Tried, {'and it ended the hang' if attempt.released else 'without effect'}: {attempt.answer}")
        lines += _shell(attempt.command)
    ending = result.resolution
    if ending is None:
        return lines
    took = "" if ending.release_ms is None else f" {ending.release_ms:.2f} ms later"
    end = f"gone{took}." if ending.released else f"that did not end it: {ending.detail}"
    lines += _prose(f"By {ending.action}; {end}")
    if ending.harmed is not None:
        lines += _prose(f"{proof.others(ending.harmed).capitalize()}.")
    return [*lines, *_shell(ending.command)]


def _wanted(series: Series) -> list[str]:
    want = series.about.want
    return _prose(
        f"Its outcome is {want} ({MEANS[want]}). The exit status of the following command is then 0; it is 1 where the "
        "kernel has the defect, and 125 where the run is inconclusive, as `git bisect run` expects:"
    ) + _shell(f"fusezap check {series.about.name}")


def _figures(series: Series) -> list[str]:
    lines: list[str] = []
    if series.counts:
        rows = [
            (str(count.outcome), f"{count.times} of {series.runs}", f"{percent(count.low)} to {percent(count.high)}")
            for count in series.counts
        ]
        lines += _table(("outcome", "runs", f"rate, at {percent(series.confidence)} confidence"), rows)
    if series.latency is not None:
        each = (series.latency.median, series.latency.p95, series.latency.maximum)
        values = tuple(f"{value:.2f} ms" for value in each)
        lines += _table(("kill to verdict", "median", "p95", "maximum"), [(_runs(len(series.latencies_ms)), *values)])
    if series.note:
        lines += _prose(series.note)
    trouble = [f"not armed: {error}" for error in series.errors]
    trouble += [f"left behind: {left}" for left in proof.left_behind(series)]
    if trouble:
        lines += [*_prose("Problems:"), *_code((0, visible(each)) for each in trouble)]
    return [*lines, *_log(series)]


def _log(series: Series) -> list[str]:
    if not series.warnings:
        return []
    return [*_prose("In the kernel's log during the runs:"), *_code(map(_logged, series.warnings))]


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"


def _others(report: Report, others: list[Series], more: bool) -> list[str]:
    lines = _heading("The other scenarios" if more else "fusezap: no hang to report", "=")
    lines += [*_prose(f"By fusezap {report.version}, {report.started}:"), *_shell(report.command)]
    for kernel in dict.fromkeys(series.kernel for series in others):
        lines += _of_kernel(kernel, [series for series in others if series.kernel == kernel])
    if report.errors:
        lines += [
            *_heading("Scenario files that could not be read", "-"),
            *_code((0, visible(e)) for e in report.errors),
        ]
    return lines


def _of_kernel(kernel: Kernel, every: list[Series]) -> list[str]:
    rows = []
    for series in every:
        seen = ", ".join(f"{count.outcome} {count.times} of {series.runs}" for count in series.counts)
        median = "" if series.latency is None else f"{series.latency.median:.2f} ms"
        rows.append((series.about.name, str(series.mark), seen, median))
    skipped = [
        f"{series.about.name} needs what this machine lacks: {proof.listed(series.missing)}"
        for series in every
        if series.mark is Mark.SKIPPED
    ]
    lines = _prose(f"Kernel {_uname(kernel)}:")
    lines += _table(("scenario", "mark", "outcome", "median"), rows)
    lines += [*_bullets(skipped), ""] if skipped else []
    for series in every:
        if series.warnings:
            lines += [
                *_prose(f"In the kernel's log during {series.about.name}:"),
                *_code(map(_logged, series.warnings)),
            ]
    return lines


def _logged(line: str) -> Line:
    return (0, visible(line))


def _heading(text: str, underline: str) -> list[str]:
    """Make a setext heading, which may have several lines and reads well as plain text."""
    lines = _wrap(text)
    return [*lines, underline * max(3, *map(len, lines)), ""]


def _prose(*texts: str) -> list[str]:
    return [line for text in texts for line in (*_wrap(text), "")]


def _bullets(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in _wrap(text, "- ", "  ")]


def _wrap(text: str, first: str = "", rest: str = "") -> list[str]:
    lines = textwrap.wrap(escape(folded(text)), WIDTH - 1 - len(first), break_on_hyphens=False) or ["-"]
    lines = [_LEADERS.sub(_unblocked, line) for line in lines]
    return [f"{rest if number else first}{line}" for number, line in enumerate(lines)]


def _unblocked(match: re.Match[str]) -> str:
    """Escape the start of a line; of a number, the dot behind it is escaped."""
    return f"{match[1]}{match[3]}\\" if match[3] else f"{match[1]}\\{match[2]}"


def escape(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", text)


def _code(lines: Iterable[Line]) -> list[str]:
    """Make indented code; directly after a list it would belong to the last item."""
    broken = [CODE + line for line in wrapped(lines, WIDTH - len(CODE))]
    return [*broken, ""] if broken else []


def _shell(command: str) -> list[str]:
    """Break a command with backslashes, which the shell joins again even inside of a word."""
    width = WIDTH - len(CODE) - 2
    lines = textwrap.wrap(visible(command.strip()), width, break_on_hyphens=False, drop_whitespace=False) or ["true"]
    ended = [line + "\\" for line in lines[:-1]] + lines[-1:]
    return [*(CODE + line for line in ended), ""]


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Make a pipe table, or a list where that is too wide."""
    table = _pipes(header, rows)
    if table is not None:
        return table
    named = ["; ".join(f"{name}: {cell}" for name, cell in zip(header, row, strict=True) if cell) for row in rows]
    return [*_bullets(named), ""]


def _pipes(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str] | None:
    """Make a pipe table; None where a line would be too long."""
    cells = [[escape(folded(cell)) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    if sum(widths) + 3 * len(widths) + 1 > WIDTH:
        return None
    ruled = [cells[0], ["-" * width for width in widths], *cells[1:]]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in ruled]
    return [*(f"| {' | '.join(row)} |" for row in padded), ""]
