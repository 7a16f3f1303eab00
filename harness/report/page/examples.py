"""One run in the page: its verdict, and where there is room all the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.records import Result, Series, Snapshot, Task
from harness.report.page import graph, lanes
from harness.report.page.budget import Budget
from harness.report.page.journal_table import JournalTable, journal_table
from harness.report.processes import Branch, process_tree
from harness.report.tasks import Stack, stacks


@dataclass(frozen=True, slots=True)
class ExamplePlace:
    """The position of an example in the page."""

    series: int
    """Number of its series in the report."""
    number: int
    """Its place among the examples of the series."""
    id: str
    level: int
    """Level of its heading."""
    open: bool


@dataclass(frozen=True, slots=True)
class ExampleEvidence:
    """The parts of an example that the page leaves out when it has no room."""

    snapshot: Snapshot | None
    tree: Branch | None
    outside: tuple[Task, ...]
    """Tasks of the graph that are not in the namespace: those that could answer."""
    waits: graph.Waits | None
    timeline: lanes.TimelineView | None
    stacks: tuple[Stack, ...]
    journal: JournalTable


@dataclass(frozen=True, slots=True)
class Example:
    """The first run of an outcome."""

    place: ExamplePlace
    series: Series
    result: Result
    apart_ms: float | None
    """Time between the first and the last snapshot that the verdict rests on."""
    evidence: ExampleEvidence | None
    """None: there is no room for it."""


def example(series: Series, place: ExamplePlace, budget: Budget, rows: int, whole: bool) -> Example:
    """Prepare a run for the page.

    Args:
        series: The series that the run belongs to.
        place: Which run it is, and where it stands.
        budget: Bounds of the timeline.
        rows: Rows of its journal.
        whole: Whether the evidence is included.
    """
    result = series.examples[place.number]
    snapshots = result.verdict.snapshots
    apart_ms = (snapshots[-1].taken_ns - snapshots[0].taken_ns) / 1e6 if len(snapshots) > 1 else None
    return Example(place, series, result, apart_ms, _evidence(result, budget, rows) if whole else None)


def _evidence(result: Result, budget: Budget, rows: int) -> ExampleEvidence:
    last = result.verdict.snapshots[-1] if result.verdict.snapshots else None
    return ExampleEvidence(
        snapshot=last,
        tree=process_tree(last) if last is not None and last.tasks else None,
        outside=_outside(last, result) if last is not None else (),
        waits=graph.waits(result.verdict),
        timeline=lanes.timeline_view(result, budget.lanes, budget.states, budget.finest),
        stacks=stacks(last, together=True) if last is not None else (),
        journal=journal_table(result, rows),
    )


def _outside(snapshot: Snapshot, result: Result) -> tuple[Task, ...]:
    wait_graph = result.verdict.graph
    named = {node.id for node in wait_graph.nodes} if wait_graph is not None else set()
    return tuple(task for task in snapshot.others if f"task:{task.tid}" in named)
