"""One page that holds all of a report and loads nothing else: it opens from a mail, an archive or a CI artefact."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.records import Mark, Report, Series
from harness.report import cells
from harness.report.conclusion import conclusion
from harness.report.page.budget import BUDGETS, LIMIT, PART_BYTES, Budget, Merge
from harness.report.page.chapters import Chapters, Names, by_priority, chapters_of
from harness.report.page.examples import ExamplePlace, example
from harness.report.page.grid import grid_of
from harness.report.page.template import macro, rendered

SUMMARY = "a page for a browser, in one file that needs no network"
_IDS = ("page-content", "page-scenarios", "page-filter", "page-count", "page-legend", "page-list")


def render(report: Report) -> str:
    """Render the report as a page.

    Args:
        report: The report.

    Returns:
        HTML within LIMIT, unless there are so many series that even the smallest budget does not suffice.
    """
    crowded = len(report.series) * PART_BYTES > LIMIT
    for budget in BUDGETS[-1:] if crowded else BUDGETS[:-1]:
        page = _page(report, budget)
        if page is not None and (crowded or len(page.encode()) <= LIMIT):
            return page
    return _page(report, BUDGETS[-1]) or ""


def _page(report: Report, budget: Budget) -> str | None:
    """None: the budget asks for all the evidence, and the page has no room for it."""
    names = Names()
    layout = _Layout(report, budget, {name: names.unique(name) for name in _IDS}, chapters_of(report, budget, names))
    write = macro("example.html", "example")
    rows = budget.journal // max(len(layout.chapters.places), 1)

    def text(place: ExamplePlace, whole: bool) -> str:
        return write(example(report.series[place.series], place, budget, rows, whole))

    texts = {place: text(place, whole=False) for place in layout.chapters.places}
    room = LIMIT - len(layout.render(texts).encode())
    for place in by_priority(report, layout.chapters.places):
        whole = text(place, whole=True)
        cost = len(whole.encode()) - len(texts[place].encode())
        if cost <= room:
            room -= cost
            texts[place] = whole
        elif budget.everything:
            return None
    return layout.render(texts)


@dataclass(frozen=True, slots=True)
class _Layout:
    """The page but for its examples."""

    report: Report
    budget: Budget
    ids: dict[str, str]
    chapters: Chapters

    def render(self, texts: dict[ExamplePlace, str]) -> str:
        """Put the page together with the texts of its examples."""
        report = self.report
        return rendered(
            "report.html",
            report=report,
            headline=conclusion(report.series),
            chapters=self.chapters.chapters,
            contents=tuple((each.id, each.about.name) for each in self.chapters.chapters),
            examples=texts,
            kernels=cells.kernels_of(report.series),
            grid=grid_of(report, self.chapters),
            listed=self._listed(),
            marks=tuple((mark, sum(series.mark is mark for series in report.series)) for mark in Mark),
            ids=self.ids,
        )

    def _listed(self) -> tuple[tuple[Series, str], ...]:
        """A row for each series and the id of its part; none where the table of kernels has to suffice."""
        if len(self.report.series) < 2 or self.budget.merge is Merge.NAMED:
            return ()
        return tuple((series, self.chapters.ids[number]) for number, series in enumerate(self.report.series))
