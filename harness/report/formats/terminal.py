"""Progress and results of a run for a person.  Colour only where the terminal wants it (NO_COLOR, TERM=dumb)."""

from __future__ import annotations

import io
import re
import sys
from typing import Any, Literal, Protocol, TextIO, cast

from rich.console import Console
from rich.markup import escape as markup_escape
from rich.padding import Padding
from rich.table import Table
from rich.tree import Tree

from harness.model.events import Armed, Attempted, Began, Counted, Event, Judged, Kept, Killed, Looked, Resolved
from harness.model.records import (
    Attempt,
    Check,
    Count,
    Kernel,
    Mark,
    Outcome,
    Report,
    Resolution,
    Result,
    Series,
    Snapshot,
    Task,
    Verdict,
)
from harness.report import cells
from harness.report.processes import Branch, process_tree
from harness.report.proof import MEANS, console_of, others, why, worth
from harness.report.tasks import noted, stacks, task_name
from harness.report.text import visible
from harness.report.wait_tree import WaitBranch, wait_tree
from harness.report.width import width_of_terminal

STYLES = {
    Outcome.RELEASED: "bold green",
    Outcome.STARVED: "bold yellow",
    Outcome.DEADLOCK: "bold red",
    Outcome.FAILED: "bold red",
    Outcome.NOT_EXERCISED: "bold magenta",
    Outcome.INCONCLUSIVE: "bold magenta",
    Outcome.LOST_VM: "bold magenta",
}
_CODE = re.compile(r"\x1b\[[0-9;]*m")
_TRAILING = re.compile(rf"(?:[ \t]|{_CODE.pattern})+$", re.MULTILINE)
"""Blanks at the end of a line, and the codes for colour between them."""
PIPE_WIDTH = 160
"""Columns where there is no terminal: wide enough for a stack next to its meanings."""
_STATE_STYLES = {"D": "red", "Z": "magenta", "T": "yellow", "R": "green"}
_ROLE_STYLES = {"knot": "red", "dead": "red", "blocker": "green", "": "yellow"}
_MOST_NAMES = 8
"""Tasks with one stack that are named; the process tree has all of them."""
_MARKS = {True: "[green]✔[/]", False: "[red]✘[/]", None: "[yellow]?[/]"}


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...


SUMMARY = "for a person: the course of one run, or the counts of many"


def render(report: Report) -> str:
    """Render the first run of each outcome, then the table, without colour."""
    stream = io.StringIO()
    story = Story(stream)
    names = cells.kernel_names(cells.kernels_of(report.series))
    for series in report.series:
        for result in series.examples:
            if len(names) > 1:
                story.console.print(f"under {escape(names[series.kernel])}")
            story.arming(result.about)
            story.verdict(result.verdict, result.verdict.form)
            if result.resolution is not None:
                story.resolved(result.resolution)
            story.finished(result)
    for error in report.errors:
        story.console.print(escape(error))
    story.summary(report.series)
    return stream.getvalue()


class _Trimmed:
    """A stream without trailing blanks: tables and padding fill their lines up to their widest."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text; rich writes whole lines."""
        return self._stream.write(_TRAILING.sub(lambda match: "".join(_CODE.findall(match[0])), text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Story:
    """Consumes the events of a run, and prints each of them."""

    def __init__(self, stream: TextIO | None = None) -> None:
        stream = stream or sys.stdout
        width = None if stream.isatty() else width_of_terminal(PIPE_WIDTH)
        self.console = Console(file=cast("TextIO", _Trimmed(stream)), highlight=False, emoji=False, width=width)
        self.waiting: str | None = None

    def take(self, event: Event) -> None:
        """Print one event."""
        match event:
            case Began():
                self.arming(event)
            case Armed():
                self.armed(event)
            case Killed(init=init):
                self._step(f"SIGKILL sent to {init}")
            case Looked(verdict=verdict):
                self.looked(verdict)
            case Judged(verdict=verdict, took_ms=took_ms):
                self.judged(verdict, took_ms)
            case Attempted(attempt=attempt):
                self.attempted(attempt)
            case Resolved(resolution=resolution):
                self.resolved(resolution)
            case Kept():
                self.kept(event)
            case Counted(result=result) if result is not None:
                self.finished(result)

    def arming(self, scenario: _Named) -> None:
        """Print what the scenario does."""
        self.console.print(f"[bold]{escape(scenario.name)}[/]: {escape(scenario.summary)}")

    def armed(self, event: Armed) -> None:
        """Print the processes that are about to be killed."""
        self._step(f"armed in {event.took_ms:.0f} ms: {event.what}")
        self._indented(self.tree(event.snapshot, threads=False))

    def looked(self, verdict: Verdict) -> None:
        """Print once what keeps the namespace, so that a wait of seconds is not silent."""
        if verdict.outcome is Outcome.STARVED and self.waiting != verdict.outcome:
            self.console.print(f"  … starved for now: {escape(verdict.reasons[0])}")
        self.waiting = verdict.outcome

    def judged(self, verdict: Verdict, took_ms: float) -> None:
        """Print the final verdict, `took_ms` milliseconds after the kill."""
        self.waiting = None
        self._step(f"judged {took_ms:.1f} ms after the kill:")
        self.verdict(verdict, verdict.form)

    def verdict(self, verdict: Verdict, form: tuple[Check, ...]) -> None:
        """Print a verdict with its evidence."""
        outcome = verdict.outcome
        self.console.print(f"\n[{STYLES[outcome]}]{outcome.upper()}[/]: {MEANS[outcome]}")
        for reason in (*why(verdict), *worth(verdict)):
            self.console.print(f"  - {escape(reason)}")
        self._verbatim("the last lines of its console:", console_of(verdict))
        if verdict.graph is None:
            return
        snapshot = verdict.snapshots[-1]
        self._section("Process tree", self.tree(snapshot, threads=True))
        self._section("Stacks, innermost first", *self._stacks(snapshot))
        if (waits := wait_tree(verdict)) is not None:
            self._section("Who waits for whom", self._graph(waits))
        if form:
            self._section("Form", self._checklist(form))

    def attempted(self, attempt: Attempt) -> None:
        """Print a remedy that was tried although it does not help."""
        mark = "✔" if attempt.released else "✘"
        self._command(f"[yellow]{mark}[/] tried: ", attempt.command)
        self.console.print(f"    {escape(attempt.answer)}")

    def resolved(self, resolution: Resolution) -> None:
        """Print what ended the hang, and the command that does the same."""
        self.console.print()
        if resolution.released:
            took = f"{resolution.release_ms:.2f} ms" if resolution.release_ms is not None else "?"
            self._step(f"resolved by {resolution.action}: namespace gone after {took}")
            self._command("    by hand: ", resolution.command)
        else:
            self.console.print(f"[red]✘[/] {resolution.action} did not resolve it: {escape(resolution.detail)}")
        if resolution.harmed is not None:
            self.console.print(f"    {escape(others(resolution.harmed))}")

    def kept(self, event: Kept) -> None:
        """Print how to look at a hang that is kept, and how to end it."""
        init = event.init
        self._section("Kept for inspection")
        for line in (
            f"ps -L -o pid,tid,ppid,stat,wchan:30,comm --ppid {init}",
            f"cat /proc/{init}/stack",
            f"cat /proc/{init}/task/{init}/children",
            f"nsenter --target {init} --pid true       # fails: no new process can enter",
        ):
            self._command("  ", line)
        self.console.print("  Never read cmdline, environ, maps or mem of these tasks: such a read can hang, too.")
        self._section("To end it")
        self._command("  ", f"fusezap clean {event.run}")
        self._command("  or by hand: ", event.remedy)
        self.console.print(f"  A guard process owns {escape(str(event.run))} until then.")

    def finished(self, result: Result) -> None:
        """Print what a run left behind."""
        if result.leftovers:
            for left in result.leftovers:
                self.console.print(f"[red]✘[/] left behind: {escape(left)}")
        elif result.resolution is not None or result.verdict.outcome is Outcome.RELEASED:
            self._step(f"nothing left behind; {result.timings.total:.0f} ms in all")
        if result.mode != "root":
            self.console.print("  (in a user namespace: wait channels and states in place of stacks)")
        self.console.print()

    def summary(self, series: tuple[Series, ...]) -> None:
        """Print a line for each outcome of each scenario; kernels next to each other, or one below the other."""
        names = cells.kernel_names(cells.kernels_of(series))
        if len(names) < 2:
            self.console.print(_figures(series))
        elif self._fits(grid := _grid(series, names)):
            self.console.print(grid)
        else:
            for kernel, name in names.items():
                self.console.print(f"[bold]{escape(name)}[/]")
                self.console.print(_figures(tuple(each for each in series if each.kernel == kernel)))
        for each in series:
            where = f" under {names[each.kernel]}" if len(names) > 1 else ""
            for line in filter(None, (each.note, *each.errors, *each.leftovers, *_missing(each))):
                self.console.print(f"  {escape(each.about.name)}{escape(where)}: {escape(line)}")
            self._verbatim(f"{each.about.name}{where}, in the kernel's log during the runs:", each.warnings)

    def _fits(self, table: Table) -> bool:
        unbounded = self.console.options.update(width=1_000_000)
        return self.console.measure(table, options=unbounded).maximum <= self.console.width

    def _verbatim(self, title: str, lines: tuple[str, ...]) -> None:
        """Print lines of a log without breaking them, whatever the width."""
        if lines:
            self.console.print(f"  {escape(title)}")
        for line in lines:
            self.console.print(f"    {escape(line)}", soft_wrap=True)

    def tree(self, snapshot: Snapshot, threads: bool) -> Tree:
        """Draw the namespace's processes below the parent of init; `threads`: with the threads beside their leaders."""
        top = process_tree(snapshot, threads)
        root = Tree(_task_label(top.task))

        def add(tree: Tree, branch: Branch) -> None:
            label = _task_label(branch.task, snapshot)
            node = tree.add(f"thread {label}" if branch.thread else label)
            for each in branch.below:
                add(node, each)

        for branch in top.below:
            add(root, branch)
        return root

    def _stacks(self, snapshot: Snapshot) -> list[Table | str]:
        shown: list[Table | str] = []
        for stack in stacks(snapshot, together=True):
            task = stack.tasks[0]
            names = [f"[bold]{escape(task_name(each))}[/]" for each in stack.tasks[:_MOST_NAMES]]
            more = f" and {len(stack.tasks) - _MOST_NAMES} more" if len(stack.tasks) > _MOST_NAMES else ""
            notes = ", ".join(filter(None, (stack.role, f"state {_state(task)}")))
            shown.append(f"{', '.join(names)}{more} ({notes})")
            if stack.lack:
                shown.append(f"  {escape(stack.lack)}")
                continue
            table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
            for frame, meaning in stack.frames or ():
                table.add_row(f"[{'bold' if meaning else 'dim'}]{escape(frame)}[/]", f"[cyan]{escape(meaning)}[/]")
            shown.append(table)
        return shown

    def _graph(self, top: WaitBranch) -> Tree:
        """Draw the wait-for graph as a tree from init."""

        def add(tree: Tree, branch: WaitBranch) -> None:
            edge = branch.edge
            evidence = f"\n[dim]({edge.strength}) {escape(edge.evidence)}[/]" if edge else ""
            node = tree.add(f"waits for {_node_label(branch)}{evidence}")
            for each in branch.below:
                add(node, each)

        root = Tree(_node_label(top))
        for each in top.below:
            add(root, each)
        return root

    def _checklist(self, form: tuple[Check, ...]) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 1))
        for check in form:
            table.add_row(_MARKS[check.holds], escape(check.title), f"[dim]{escape(check.evidence)}[/]")
        return table

    def _command(self, before: str, command: str) -> None:
        """Print a command on one line, whatever the width: it can be copied whole."""
        self.console.print(f"{before}{escape(command)}", soft_wrap=True)

    def _step(self, text: str) -> None:
        self.console.print(f"[green]✔[/] {escape(text)}")

    def _section(self, title: str, *content: Table | Tree | str) -> None:
        self.console.print(f"\n[bold]{title}[/]")
        for each in content:
            self._indented(each)

    def _indented(self, content: Table | Tree | str) -> None:
        self.console.print(Padding(content, (0, 0, 0, 2), expand=False))


_COLUMNS: dict[str, Literal["left", "right"]] = {
    "scenario": "left",
    "result": "left",
    "outcome": "left",
    "runs": "right",
    "rate": "right",
    "{confidence:g} % interval": "left",
    "median ms": "right",
    "p95": "right",
    "max": "right",
}
_MARK_STYLES = {
    Mark.PASS: "green",
    Mark.FAIL: "red",
    Mark.UNSURE: "magenta",
    Mark.SKIPPED: "dim",
    Mark.REPORTED: "default",
}


def _figures(series: tuple[Series, ...]) -> Table:
    confidence = series[0].confidence if series else 0.95
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title, justify in _COLUMNS.items():
        table.add_column(title.format(confidence=confidence * 100), justify=justify, no_wrap=title == "scenario")
    for each in series:
        rows = [_count_row(each, count) for count in each.counts] or [("-", "", "", "")]
        latency = each.latency
        times = [f"{ms:.1f}" for ms in (latency.median, latency.p95, latency.maximum)] if latency else ["", "", ""]
        for number, row in enumerate(rows):
            first = number == 0
            head = (escape(each.about.name), _mark(each)) if first else ("", "")
            table.add_row(*head, *row, *(times if first else ["", "", ""]))
    return table


def _grid(series: tuple[Series, ...], names: dict[Kernel, str]) -> Table:
    """A column for each kernel, a cell as `✘ deadlock 3 · released 1`."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("scenario", *names.values()):
        table.add_column(escape(title), no_wrap=True)
    matrix = cells.matrix_of(series)
    for row in matrix.rows if matrix else ():
        texts = (", ".join(_cell(series[number]) for number in numbers) or cells.NOT_RUN for numbers in row.cells)
        table.add_row(escape(row.about.name), *texts)
    return table


def _cell(series: Series) -> str:
    style = _MARK_STYLES[series.mark] + (" bold reverse" if cells.mixed(series) else "")
    return f"[{style}]{cells.sign(series)} {cells.words(series)}[/]"


def _count_row(series: Series, count: Count) -> tuple[str, str, str, str]:
    style = STYLES[count.outcome]
    share = 100 * count.times / series.runs
    interval = f"{100 * count.low:.2f} … {100 * count.high:.2f} %"
    return f"[{style}]{count.outcome}[/]", str(count.times), f"{share:.4g} %", interval


def _mark(series: Series) -> str:
    return f"[{_MARK_STYLES[series.mark]}]{series.mark}[/]"


def _missing(series: Series) -> tuple[str, ...]:
    return (f"skipped, this machine lacks: {', '.join(series.missing)}",) if series.missing else ()


def escape(text: str) -> str:
    """Make a text from outside visible, and free of rich's markup."""
    return markup_escape(visible(text))


def _state(task: Task) -> str:
    return f"[{_STATE_STYLES.get(task.state, 'default')}]{escape(task.state)}[/]"


def _task_label(task: Task | None, snapshot: Snapshot | None = None) -> str:
    name = escape(task_name(task))
    return name if task is None else f"{name} {_state(task)}{escape(noted(task, snapshot))}"


def _node_label(branch: WaitBranch) -> str:
    style = _ROLE_STYLES[branch.role]
    return f"[{style}]{escape(branch.node.label)}[/]: {branch.again or escape(branch.node.why)}"
