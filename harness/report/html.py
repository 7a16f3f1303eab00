"""One page that holds all of a report, and asks for nothing else: it opens from a mail, an archive or a CI artefact.

The drawings are laid out here and written as SVG by the templates in `page/`, so that every text passes through one
place where it is escaped: control characters made visible, then HTML's own characters.  A strict policy in the page
itself allows its one script and its one style sheet, by their hashes, and no address at all.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from harness.kernel_names import MEANING
from harness.model import About, Kind, Mark, Report, Result, Series, Snapshot, Task, function_of
from harness.report import _graph, _histogram, _lanes
from harness.report._proof import MEANS, left_behind
from harness.report._text import counted, folded, paragraphs, percent, visible
from harness.report.trace import STATES

if TYPE_CHECKING:
    from jinja2 import Environment

SUMMARY = "a page for a browser, in one file that needs no network"
LIMIT = 1024 * 1024
"""Bytes: what a mailing list or an issue tracker still takes."""

_MARKS = {
    Mark.PASS: "what is wanted came out, in every run",
    Mark.FAIL: "the defect was seen, once at least",
    Mark.REPORTED: "a behaviour: there is no right or wrong",
    Mark.UNSURE: "no conclusion can be drawn",
    Mark.SKIPPED: "this machine lacks what it needs",
}
_SIGNS = {Mark.PASS: "✔", Mark.FAIL: "✘", Mark.REPORTED: "•", Mark.UNSURE: "?", Mark.SKIPPED: "○"}
_KINDS = {
    Kind.DEFECT: "a kernel free of the defect comes to what is wanted",
    Kind.BEHAVIOUR: "by design: what is wanted is what the measured kernels do",
    Kind.CONTROL: "comes to what is wanted on every kernel, or the harness is wrong",
}
_ANSWERS = {True: ("yes", "✔"), False: ("no", "✘"), None: ("unknown", "?")}
_LONGEST = 200
"""Characters of a name or a value in a journal's table; paths may have 4096."""
_OPEN_SERIES = 3
"""Of so few series the first example of each is open; of more, the first alone."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is told of what may be endless; the sizes of the rest are bounded by the kernel or by us."""

    journal: int
    """Rows, in the whole page."""
    lanes: int
    """Of the tasks of one timeline."""
    states: int
    """In words, of each lane."""
    finest: float
    """What lasts shorter than so many pixels is drawn together with what follows."""
    proofs: int
    """Examples with drawings, processes and stacks; of the others the reasons, the form and the remedies are told."""


_ALL = 1_000_000
BUDGETS = (
    Budget(2400, 40, 40, 2.0, _ALL),
    Budget(1200, 24, 12, 8.0, _ALL),
    Budget(600, 16, 6, 24.0, _ALL),
    Budget(600, 16, 6, 24.0, 36),
    Budget(400, 12, 4, 40.0, 18),
    Budget(0, 12, 4, 40.0, 6),
    Budget(0, 0, 0, 40.0, 0),
)
"""From the most to the least: the first that keeps the page within its limit is taken."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A process, and below it its threads and children."""

    name: str
    task: Task | None
    notes: tuple[str, ...]
    below: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """The tasks that have the same one."""

    tasks: tuple[Task, ...]
    role: str
    frames: tuple[tuple[str, str], ...] | None
    """Each with its meaning, where that is known; None: it may not be read."""
    wchan: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of the journal."""

    seq: str
    ms: str
    event: str
    operation: str
    path: str
    caller: str
    rule: str
    result: str


@dataclass(frozen=True, slots=True)
class Journal:
    first: tuple[Row, ...]
    left_out: int
    last: tuple[Row, ...]
    entries: int


@dataclass(frozen=True, slots=True)
class Example:
    result: Result
    tree: Branch | None
    outside: tuple[Branch, ...]
    waits: _graph.Waits | None
    told: _lanes.Told | None
    stacks: tuple[Stack, ...]
    journal: Journal
    apart_ms: float | None
    """Between the first and the last snapshot that the verdict rests on."""
    open: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Chapter:
    id: str
    series: Series
    left: tuple[str, ...]
    histogram: _histogram.Histogram | None
    examples: tuple[Example, ...]


class Names:
    """Hands out ids: each once, whatever the scenarios are called."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, wish: str) -> str:
        base = re.sub(r"[^a-z0-9]+", "-", wish.lower()).strip("-") or "it"
        name, number = base, 1
        while name in self._taken:
            number += 1
            name = f"{base}-{number}"
        self._taken.add(name)
        return name


def render(report: Report) -> str:
    """Within LIMIT, unless there are so many series that even the least budget does not suffice."""
    page = ""
    for budget in BUDGETS:
        page = _page(report, budget)
        if len(page.encode()) <= LIMIT:
            break
    return page


def _page(report: Report, budget: Budget) -> str:
    names = Names()
    style, script = _data("style.css"), _data("script.js")
    environment = _environment(names)
    fixed = {
        name: names.unique(name)
        for name in ("page-content", "page-scenarios", "page-filter", "page-told", "page-legend")
    }
    kernels = tuple(dict.fromkeys(series.kernel for series in report.series))
    return environment.get_template("report.html").render(
        report=report,
        chapters=_chapters(report, budget, names),
        kernels=kernels,
        marks=tuple((mark, sum(series.mark is mark for series in report.series)) for mark in Mark),
        ids=fixed,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _data(name: str) -> str:
    return (resources.files("harness.report") / "page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy names a text that it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _environment(names: Names) -> Environment:
    """Imported here: who asks which formats there are needs no template engine."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup, escape

    def rate(value: float) -> Markup:
        """The number and its sign stay on one line."""
        return Markup(str(escape(percent(value))).replace(" ", "&nbsp;"))

    def shown(value: object) -> object:
        if isinstance(value, float):
            return _histogram.place(value)
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=FunctionLoader(_data),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "counted": counted,
        "duration": _duration,
        "folded": folded,
        "ms": _ms,
        "paragraphs": paragraphs,
        "percent": rate,
        "trusted": Markup,
    }
    environment.filters.update(filters)
    environment.globals.update(
        answers=_ANSWERS,
        kind_means=_KINDS,
        mark_means=_MARKS,
        meaning=MEANING,
        means=MEANS,
        roles=_graph.ROLES,
        signs=_SIGNS,
        state_means=STATES,
        strengths=_graph.STRENGTHS,
        unique=names.unique,
    )
    return environment


def _ms(value: float) -> str:
    """Two decimals while they mean something."""
    return f"{value:.2f}" if value < 1000 else f"{value:.0f}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _chapters(report: Report, budget: Budget, names: Names) -> tuple[Chapter, ...]:
    whole = _whole(report, budget.proofs)
    rows = budget.journal // max(len(whole), 1)
    open_left = len(report.series) if len(report.series) <= _OPEN_SERIES else 1
    chapters = []
    for series_number, series in enumerate(report.series):
        shown = [
            _example(result, budget, rows, number == 0 and open_left > 0)
            if (series_number, number) in whole
            else _short(result, number == 0 and open_left > 0)
            for number, result in enumerate(series.examples)
        ]
        open_left -= bool(shown)
        name = names.unique(_full_name(series.about, series, report))
        chapters.append(Chapter(name, series, left_behind(series), _histogram.histogram(series), tuple(shown)))
    return tuple(chapters)


def _whole(report: Report, most: int) -> set[tuple[int, int]]:
    """Which examples are told in full: the first of each series before its others, and what failed before the rest."""
    every = [
        (number, series.mark not in (Mark.FAIL, Mark.UNSURE), series_number)
        for series_number, series in enumerate(report.series)
        for number in range(len(series.examples))
    ]
    return {(series_number, number) for number, _, series_number in sorted(every)[:most]}


def _full_name(about: About, series: Series, report: Report) -> str:
    several = len({each.kernel for each in report.series}) > 1
    return f"{about.name}-{series.kernel.release}" if several else about.name


def _example(result: Result, budget: Budget, rows: int, opened: bool) -> Example:
    snapshots = result.verdict.snapshots
    last = snapshots[-1] if snapshots else None
    return Example(
        result=result,
        tree=_tree(last) if last is not None and last.tasks else None,
        outside=_outside(last, result) if last is not None else (),
        waits=_graph.waits(result.verdict),
        told=_lanes.told(result, budget.lanes, budget.states, budget.finest),
        stacks=_stacks(last) if last is not None else (),
        journal=_journal(result, rows),
        apart_ms=_apart_ms(result),
        open=opened,
        whole=True,
    )


def _short(result: Result, opened: bool) -> Example:
    return Example(
        result=result,
        tree=None,
        outside=(),
        waits=None,
        told=None,
        stacks=(),
        journal=Journal((), 0, (), 0),
        apart_ms=_apart_ms(result),
        open=opened,
        whole=False,
    )


def _apart_ms(result: Result) -> float | None:
    snapshots = result.verdict.snapshots
    return (snapshots[-1].taken_ns - snapshots[0].taken_ns) / 1e6 if len(snapshots) > 1 else None


def _tree(snapshot: Snapshot) -> Branch:
    """The namespace's processes, below what is above init; two that each name the other as parent are both told."""
    leaders = {task.tid: task for task in snapshot.tasks if task.leader}
    told: set[int] = set()

    def grow(task: Task) -> Branch:
        told.add(task.tid)
        threads = [_branch(each, snapshot) for each in snapshot.tasks if each.tgid == task.tid and not each.leader]
        children = [grow(each) for each in leaders.values() if each.ppid == task.tid and each.tid not in told]
        return _branch(task, snapshot, (*threads, *children))

    roots = [grow(task) for task in leaders.values() if task.ppid not in leaders]
    roots += [grow(task) for task in leaders.values() if task.tid not in told]
    strays = [_branch(task, snapshot) for task in snapshot.tasks if not task.leader and task.tgid not in leaders]
    init = snapshot.init
    above = snapshot.task(init.ppid) if init is not None else None
    below = (*roots, *strays)
    return _branch(above, snapshot, below) if above else Branch("outside the namespace", None, (), below)


def _branch(task: Task, snapshot: Snapshot, below: tuple[Branch, ...] = ()) -> Branch:
    return Branch(f"{task.comm} {task.tid}", task, tuple(_notes(task, snapshot)), below)


def _notes(task: Task, snapshot: Snapshot) -> list[str]:
    notes = []
    if task.tid == snapshot.init_tid:
        notes.append("init of the namespace" if snapshot.pid_ns is not None else "the process that is to go")
    if not task.leader:
        notes.append("thread")
    elif task.threads > 1:
        notes.append(counted(task.threads, "thread"))
    if task.exiting and not task.zombie:
        notes.append("exiting")
    elif task.killed and not task.zombie:
        notes.append("SIGKILL pending")
    if task.frozen:
        notes.append(f"frozen by {task.frozen}")
    if task.tracer:
        notes.append(f"traced by {task.tracer}")
    if task.functions and not task.zombie:
        notes.append(f"in {task.functions[0]}()")
    return notes


def _outside(snapshot: Snapshot, result: Result) -> tuple[Branch, ...]:
    """Tasks of the graph that are not in the namespace: those that could answer."""
    graph = result.verdict.graph
    named = {node.id for node in graph.nodes} if graph is not None else set()
    return tuple(_branch(task, snapshot) for task in snapshot.others if f"task:{task.tid}" in named)


def _stacks(snapshot: Snapshot) -> tuple[Stack, ...]:
    """Of the live tasks; those with the same one are told together."""
    groups: dict[tuple[object, ...], list[Task]] = {}
    for task in snapshot.live:
        init = task.tid == snapshot.init_tid
        groups.setdefault((init, task.stack, task.wchan if task.stack is None else None), []).append(task)
    return tuple(
        Stack(
            tuple(tasks),
            "init of the namespace" if tasks[0].tid == snapshot.init_tid else "",
            None if tasks[0].stack is None else tuple(map(_explained, tasks[0].stack)),
            tasks[0].wchan,
        )
        for tasks in groups.values()
    )


def _explained(frame: str) -> tuple[str, str]:
    return frame, MEANING.get(function_of(frame), "")


def _journal(result: Result, most: int) -> Journal:
    """The first and the last entries: how it was armed, and what came after the kill."""
    zero = _lanes.zero_ns(result)
    entries = result.journal
    if len(entries) <= most:
        return Journal(tuple(_row(entry, zero) for entry in entries), 0, (), len(entries))
    head = most // 3
    tail = most - head
    return Journal(
        tuple(_row(entry, zero) for entry in entries[:head]),
        len(entries) - most,
        tuple(_row(entry, zero) for entry in entries[len(entries) - tail :]),
        len(entries),
    )


def _row(entry: dict[str, object], zero: int | None) -> Row:
    time = entry.get("time")
    ms = f"{(time - (zero or 0)) / 1e6:.3f}" if isinstance(time, int) else ""
    path = " → ".join(_value(entry[key]) for key in ("path", "other") if entry.get(key) is not None)
    rule = entry.get("spec") if entry.get("spec") is not None else entry.get("rule")
    return Row(
        seq=_value(entry.get("seq")),
        ms=ms,
        event=_value(entry.get("event")),
        operation=_value(entry.get("operation")),
        path=path,
        caller=_caller(entry.get("caller")),
        rule=_value(rule),
        result=_value(entry.get("result")),
    )


def _caller(caller: object) -> str:
    """Its name too, where the journal knows it."""
    if isinstance(caller, dict):
        return " ".join(_value(caller.get(key)) for key in ("comm", "tid") if caller.get(key) is not None)
    return _value(caller)


def _value(value: object) -> str:
    text = "" if value is None else str(value)
    return visible(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
