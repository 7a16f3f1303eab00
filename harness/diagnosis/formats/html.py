"""One page in the design of all of fusezap's pages: the summary first, then each finding with what ends it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.diagnosis.formats import _words
from harness.diagnosis.formats._summary import SummaryRow, ordered, summary_row
from harness.diagnosis.records import Blocker, Diagnosis, Finding
from harness.model.records import Snapshot
from harness.report.page import graph
from harness.report.page.template import rendered
from harness.report.processes import Branch, process_tree
from harness.report.tasks import explained

SUMMARY = "a page for a browser, in one file that needs no network"
_DRAWN = 20
"""Findings whose graph is drawn; of the others the words suffice."""


@dataclass(frozen=True, slots=True)
class BlockerView:
    """A task that keeps the rest, with its stack explained."""

    blocker: Blocker
    frames: tuple[tuple[str, str], ...] | None


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding, prepared for the page."""

    finding: Finding
    row: SummaryRow
    title: str
    facts: tuple[tuple[str, str], ...]
    waits: graph.Waits | None
    blockers: tuple[BlockerView, ...]
    more: int
    """Blockers that are counted, not shown."""
    tree: Branch
    snapshot: Snapshot
    open: bool


def render(diagnosis: Diagnosis) -> str:
    """Render the findings of one look as a page."""
    every = ordered(diagnosis.findings)
    views = tuple(_view(finding, number) for number, finding in enumerate(every))
    return rendered(
        "diagnosis.html",
        "harness.diagnosis.formats",
        diagnosis=diagnosis,
        headline=_words.conclusion(diagnosis),
        views=views,
        outcomes=tuple(dict.fromkeys(str(each.outcome) for each in every)),
        waits=tuple((_words.wait_title(each), _words.server_lines(each)) for each in diagnosis.waits),
        unseen=_words.unseen(diagnosis),
        contents=tuple((f"finding-{view.row.id}", f"{view.row.where}: {view.row.id}") for view in views),
        ids={name: name for name in ("page-content", "page-filter", "page-count")},
    )


def _view(finding: Finding, number: int) -> FindingView:
    snapshot = finding.verdict.snapshots[-1]
    shown = finding.blockers[: _words.MOST]
    return FindingView(
        finding=finding,
        row=summary_row(finding),
        title=_words.title(finding),
        facts=tuple(_words.facts(finding)),
        waits=graph.waits(finding.verdict) if number < _DRAWN else None,
        blockers=tuple(BlockerView(each, explained(each.stack)) for each in shown),
        more=len(finding.blockers) - len(shown),
        tree=process_tree(snapshot),
        snapshot=snapshot,
        open=number == 0,
    )
