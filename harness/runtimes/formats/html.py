"""One page in the design of all of fusezap's pages: what each runtime answers before, during and after the hang."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.page.template import rendered
from harness.runtimes.formats import _words
from harness.runtimes.records import Answer, ExperimentResult, Moment, RuntimesReport, Subject

SUMMARY = "a page for a browser, in one file that needs no network"


@dataclass(frozen=True, slots=True)
class AnswerCell:
    """An answer."""

    look: str
    """`fine`, `failed`, `silent`, or empty where nothing was asked."""
    words: str


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One question, before the kill, while the container hangs and after the abort."""

    name: str
    command: str
    cells: tuple[AnswerCell, ...]

    @property
    def tags(self) -> str:
        """The looks of its answers, for the filter."""
        return " ".join(dict.fromkeys(cell.look for cell in self.cells if cell.look))


@dataclass(frozen=True, slots=True)
class ExperimentView:
    """A course, prepared for the page."""

    course: ExperimentResult
    title: str
    tree: str
    rows: tuple[AnswerRow, ...]
    ending: str
    lost: str


def render(report: RuntimesReport) -> str:
    """Render what the runtimes answered as a page."""
    return rendered(
        "runtimes.html",
        "harness.runtimes.formats",
        report=report,
        headline="what container runtimes do when a container cannot die",
        summary=_words.summary(report),
        subjects=tuple((subject, _words.versions(subject), _experiments(subject)) for subject in report.subjects),
        looks=tuple(_LOOKS),
        look_means=_LOOKS,
        contents=tuple((f"runtime-{number}", each.name) for number, each in enumerate(report.subjects, start=1)),
        ids={name: name for name in ("page-content", "page-filter", "page-count")},
    )


_LOOKS = {"fine": "exit status 0", "failed": "an error", "silent": "no answer within the bound"}
_MOMENTS = (Moment.HEALTHY, Moment.STUCK, Moment.ABORTED)


def _experiments(subject: Subject) -> tuple[ExperimentView, ...]:
    return tuple(
        ExperimentView(
            course,
            _words.EXPERIMENTS[course.experiment],
            _words.tree(course),
            _rows(course),
            _words.ending(course),
            _words.lost(course),
        )
        for course in subject.courses
    )


def _rows(course: ExperimentResult) -> tuple[AnswerRow, ...]:
    names = dict.fromkeys(each.name for each in course.operations)
    return tuple(_row(course, name) for name in names)


def _row(course: ExperimentResult, name: str) -> AnswerRow:
    asked = [each for each in course.operations if each.name == name]
    cells = []
    for when in _MOMENTS:
        found = [each.answer for each in asked if each.when is when]
        cells.append(AnswerCell(_look(found), "; ".join(map(_words.answer, found))))
    return AnswerRow(name, asked[0].command, tuple(cells))


def _look(found: list[Answer]) -> str:
    """The look of the cell of an answer: by its first one."""
    if not found:
        return ""
    if found[0].status is None and not found[0].error:
        return "silent"
    return "failed" if found[0].status or found[0].error else "fine"
