"""One page that holds all of a report, and asks for nothing else: it opens from a mail, an archive or a CI artefact.

The drawings are laid out here and written as SVG by the templates in `page/`, so that every text passes through one
place where it is escaped: control characters made visible, then HTML's own characters.  A strict policy in the page
itself allows its one script and its one style sheet, by their hashes, and no address at all.
"""

from __future__ import annotations

import base64
import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING, Any

from harness.model.kernel_names import MEANING
from harness.model.records import About, Kind, Mark, Outcome, Report, Result, Series, Snapshot, Task, function_of
from harness.report import cells, processes
from harness.report.page import graph, histogram, lanes
from harness.report.proof import MEANS, console_of, left_behind, why
from harness.report.text import STATES, counted, folded, paragraphs, percent, visible

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
_KINDS = {
    Kind.DEFECT: "a kernel free of the defect comes to what is wanted",
    Kind.BEHAVIOUR: "by design: what is wanted is what the measured kernels do",
    Kind.CONTROL: "comes to what is wanted on every kernel, or the harness is wrong",
}
_LOOKS = {
    "fail": "the defect was seen",
    "pass": "what is wanted",
    "reported": "a behaviour, by design",
    "unsure": "no conclusion",
    cells.LOST: "the virtual machine was lost: no conclusion",
    "skipped": "the machine lacks what it needs",
}
_ANSWERS = {True: ("yes", "✔"), False: ("no", "✘"), None: ("unknown", "?")}
_LONGEST = 200
"""Characters of a name or a value in a journal's table; paths may have 4096."""
_OPEN_SERIES = 3
"""Of so few series the first example of each is open; of more, the first alone."""
_MANY_KERNELS = 6
"""More are folded away where the report's facts are."""
_TEXTS = 12
"""Of each trouble, of kernels that are told together."""
_SMALLEST = 250
"""Bytes that a series takes at the least where it has a part of its own: to try it with too many is in vain."""


class Alike(IntEnum):
    """How a kernel is told on which a scenario came to the same as on one before."""

    WHOLE = 1
    BRIEF = 2
    """In a part of its own, without what the first one has: the evidence is there."""
    NAMED = 3
    """In the part of the first one."""


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
    alike: Alike = Alike.WHOLE


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
MATRIX_BUDGETS = (
    *BUDGETS[:3],
    *(replace(budget, alike=Alike.BRIEF) for budget in BUDGETS[1:3]),
    *(replace(BUDGETS[3], proofs=proofs, alike=Alike.BRIEF) for proofs in (60, 48, 36, 24, 12)),
    *(replace(budget, alike=Alike.NAMED) for budget in BUDGETS[3:]),
)
"""The same, where there are several kernels."""


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
    waits: graph.Waits | None
    told: lanes.Told | None
    stacks: tuple[Stack, ...]
    journal: Journal
    apart_ms: float | None
    """Between the first and the last snapshot that the verdict rests on."""
    open: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What a scenario came to under one kernel, and under those that are told with it."""

    id: str
    series: Series
    kernel: str
    more: tuple[tuple[str, str], ...]
    """What came out, and under which kernels; empty: it is told of one alone."""
    troubles: tuple[tuple[str, tuple[str, ...], bool], ...]
    """Heading, texts, and whether these are to be read as they stand."""
    histogram: histogram.Histogram | None
    examples: tuple[Example, ...]
    see: tuple[str, str] | None
    """Where the evidence is told instead: id, and the kernel's name."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One scenario; of several kernels each has its part."""

    id: str
    about: About
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    look: str
    words: str
    part: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table of kernels and scenarios."""

    chapter: Chapter
    differs: bool
    cells: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    kernels: tuple[tuple[str, str], ...]
    """Name, and all that uname(2) says."""
    kinds: tuple[tuple[Kind, tuple[Line, ...]], ...]
    differing: int
    mixed: int


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
    several = len(cells.kernels_of(report.series)) > 1
    budgets = MATRIX_BUDGETS if several else BUDGETS
    if several and len(report.series) * _SMALLEST > LIMIT:
        budgets = tuple(budget for budget in budgets if budget.alike is Alike.NAMED)
    pages: dict[int, str] = {}

    def fits(number: int) -> bool:
        pages[number] = _page(report, budgets[number])
        return len(pages[number].encode()) <= LIMIT

    last = len(budgets) - 1
    number = 0 if fits(0) else bisect_left(range(last), True, lo=1, key=fits)
    return pages[number] if number in pages else _page(report, budgets[number])


def _page(report: Report, budget: Budget) -> str:
    names = Names()
    style, script = _data("style.css"), _data("script.js")
    environment = _environment(names)
    fixed = {
        name: names.unique(name)
        for name in ("page-content", "page-scenarios", "page-filter", "page-told", "page-legend", "page-list")
    }
    chapters, places = _chapters(report, budget, names)
    return environment.get_template("report.html").render(
        report=report,
        chapters=chapters,
        kernels=cells.kernels_of(report.series),
        grid=_grid(report, chapters, places),
        listed=_listed(report, budget, places),
        shown_kernels=_MANY_KERNELS,
        marks=tuple((mark, sum(series.mark is mark for series in report.series)) for mark in Mark),
        ids=fixed,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _listed(report: Report, budget: Budget, places: dict[int, str]) -> tuple[tuple[Series, str], ...]:
    """A row for each series and where it is told; left out where the table of kernels has to do."""
    if len(report.series) < 2 or budget.alike is Alike.NAMED:
        return ()
    return tuple((series, places[number]) for number, series in enumerate(report.series))


def _grid(report: Report, chapters: tuple[Chapter, ...], places: dict[int, str]) -> Grid | None:
    matrix = cells.matrix_of(report.series)
    if matrix is None:
        return None
    names = cells.kernel_names(matrix.kernels)
    by_about = {chapter.about: chapter for chapter in chapters}

    def cell(number: int) -> Cell:
        series = report.series[number]
        look = f"{cells.look(series)} mixed" if cells.mixed(series) else cells.look(series)
        return Cell(look, cells.words(series), places[number])

    lines = [
        Line(by_about[row.about], row.differs, tuple(tuple(map(cell, numbers)) for numbers in row.cells))
        for row in matrix.rows
    ]
    return Grid(
        kernels=tuple((names[each], f"{each.release} {each.version} {each.machine}") for each in matrix.kernels),
        kinds=tuple((kind, tuple(group)) for kind, group in groupby(lines, lambda line: line.chapter.about.kind)),
        differing=sum(row.differs for row in matrix.rows),
        mixed=sum(map(cells.mixed, report.series)),
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
            return histogram.place(value)
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
        "console": console_of,
        "counted": counted,
        "duration": _duration,
        "folded": folded,
        "ms": _ms,
        "paragraphs": paragraphs,
        "percent": rate,
        "trusted": Markup,
        "why": why,
    }
    environment.filters.update(filters)
    environment.globals.update(
        answers=_ANSWERS,
        kind_means=_KINDS,
        looks=_LOOKS,
        mark_means=_MARKS,
        meaning=MEANING,
        means=MEANS,
        roles=graph.ROLES,
        signs=cells.SIGNS,
        state_means=STATES,
        strengths=graph.STRENGTHS,
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


def _chapters(report: Report, budget: Budget, names: Names) -> tuple[tuple[Chapter, ...], dict[int, str]]:
    """And by the number of each series the id of the part where it is told."""
    book = _Book(report, budget, names)
    return tuple(book.chapter(about, groups) for about, groups in _groups(report, budget.alike)), book.places


def _groups(report: Report, alike: Alike) -> list[tuple[About, list[list[int]]]]:
    """For each chapter the numbers of its series, those together that came to the same."""
    if len(cells.kernels_of(report.series)) < 2:
        return [(series.about, [[number]]) for number, series in enumerate(report.series)]
    found: dict[About, dict[object, list[int]]] = {}
    for number, series in enumerate(report.series):
        key = number if alike is Alike.WHOLE else _came_to(series, number, alike)
        found.setdefault(series.about, {}).setdefault(key, []).append(number)
    return [(about, list(groups.values())) for about, groups in found.items()]


def _came_to(series: Series, number: int, alike: Alike) -> object:
    """How often is no difference; why a machine was lost is one, while there is room to tell it."""
    outcomes = frozenset(count.outcome for count in series.counts)
    troubles = tuple(map(bool, (series.warnings, series.errors, series.missing, left_behind(series))))
    return (series.mark, outcomes, troubles, number if Outcome.LOST_VM in outcomes and alike is Alike.BRIEF else None)


class _Book:
    """Tells one series after the other, as much of each as the budget has room for."""

    def __init__(self, report: Report, budget: Budget, names: Names) -> None:
        self.places: dict[int, str] = {}
        self._report, self._budget, self._names = report, budget, names
        self._kernels = cells.kernel_names(cells.kernels_of(report.series))
        self._several = len(self._kernels) > 1
        firsts = [group[0] for _, groups in _groups(report, budget.alike) for group in groups]
        self._whole = _whole(report, firsts, budget.proofs)
        self._rows = budget.journal // max(len(self._whole), 1)
        self._open_left = len(report.series) if len(report.series) <= _OPEN_SERIES else 1

    def chapter(self, about: About, groups: list[list[int]]) -> Chapter:
        name = self._names.unique(about.name)
        parts: list[Part] = []
        for group in groups:
            together = self._budget.alike is Alike.NAMED
            first = self._part(name, group if together else group[:1], None)
            parts.append(first)
            if not together:
                parts += [self._part(name, [number], first) for number in group[1:]]
        return Chapter(name, about, tuple(parts))

    def _part(self, chapter: str, group: list[int], like: Part | None) -> Part:
        every = [self._report.series[number] for number in group]
        series, kernel = every[0], self._kernels[every[0].kernel]
        examples = () if like else self._examples(group[0], series)
        drawn = not self._several or any(example.whole for example in examples)
        name = chapter
        if self._several:
            name = self._names.unique("p" if self._budget.alike is Alike.NAMED else f"{series.about.name}-{kernel}")
        self.places |= dict.fromkeys(group, name)
        return Part(
            id=name,
            series=series,
            kernel=kernel,
            more=self._more(every) if len(every) > 1 else (),
            troubles=_troubles(every),
            histogram=histogram.histogram(series) if drawn else None,
            examples=examples,
            see=(like.id, like.kernel) if like else None,
        )

    def _examples(self, number: int, series: Series) -> tuple[Example, ...]:
        opened = self._open_left > 0
        self._open_left -= bool(series.examples)
        return tuple(
            _example(result, self._budget, self._rows, opened and place == 0)
            if (number, place) in self._whole
            else _short(result, opened and place == 0)
            for place, result in enumerate(series.examples)
        )

    def _more(self, every: list[Series]) -> tuple[tuple[str, str], ...]:
        found: dict[str, dict[str, None]] = {}
        for series in every:
            found.setdefault(cells.words(series), {}).setdefault(self._kernels[series.kernel])
        return tuple((words, self._which(named)) for words, named in found.items())

    def _which(self, named: dict[str, None]) -> str:
        others = [name for name in self._kernels.values() if name not in named]
        if not others:
            return f"all {len(named)} kernels"
        if len(others) < len(named):
            return f"{len(named)} of {len(self._kernels)} kernels: all but {', '.join(others)}"
        return ", ".join(named)


def _troubles(every: list[Series]) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
    """Of all that are told together, each text once."""
    found = (
        ("Missing on this machine", [text for series in every for text in series.missing], False),
        ("Not armed", [text for series in every for text in series.errors], False),
        ("Left behind", [text for series in every for text in left_behind(series)], False),
        ("The kernel's log meanwhile", [text for series in every for text in series.warnings], True),
    )
    return tuple((heading, _first(texts, len(every)), verbatim) for heading, texts, verbatim in found if texts)


def _first(texts: list[str], members: int) -> tuple[str, ...]:
    """All of one series; of several, what there is room for."""
    once = tuple(dict.fromkeys(texts))
    if members == 1 or len(once) <= _TEXTS:
        return once
    return (*once[:_TEXTS], f"… {len(once) - _TEXTS} more, of other kernels")


def _whole(report: Report, firsts: list[int], most: int) -> set[tuple[int, int]]:
    """Which examples are told in full: the first of each series before its others, and what failed before the rest."""
    every = [
        (place, report.series[number].mark not in (Mark.FAIL, Mark.UNSURE), number)
        for number in firsts
        for place in range(len(report.series[number].examples))
    ]
    return {(number, place) for place, _, number in sorted(every)[:most]}


def _example(result: Result, budget: Budget, rows: int, opened: bool) -> Example:
    snapshots = result.verdict.snapshots
    last = snapshots[-1] if snapshots else None
    return Example(
        result=result,
        tree=_processes(last) if last is not None and last.tasks else None,
        outside=_outside(last, result) if last is not None else (),
        waits=graph.waits(result.verdict),
        told=lanes.told(result, budget.lanes, budget.states, budget.finest),
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


def _processes(snapshot: Snapshot) -> Branch:
    tree = processes.grown(snapshot)

    def grow(branch: processes.Branch) -> Branch:
        threads = [_branch(each, snapshot) for each in branch.threads]
        return _branch(branch.task, snapshot, (*threads, *map(grow, branch.children)))

    below = (*map(grow, tree.roots), *(_branch(each, snapshot) for each in tree.strays))
    return _branch(tree.above, snapshot, below) if tree.above else Branch("outside the namespace", None, (), below)


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
    zero = lanes.zero_ns(result)
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
