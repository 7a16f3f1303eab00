"""The page's chapters: one for each scenario, in it a part for each kernel."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.model.records import About, Mark, Outcome, Report, Series
from harness.report import cells
from harness.report.page import histogram
from harness.report.page.budget import Budget, Merge
from harness.report.page.examples import ExamplePlace
from harness.report.proof import left_behind

_OPEN_SERIES = 3
"""With at most so many series the first example of each is open, with more only the first of all."""
_TEXTS = 12
"""Texts of one heading under `troubles`, where several kernels share a part."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Unexpected events in the runs of a part."""

    heading: str
    texts: tuple[str, ...]
    verbatim: bool
    """The texts are lines of a log, whose columns are kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """The result of a scenario under one kernel, and under the kernels that are merged with it."""

    id: str
    series: Series
    kernel: str
    merged: tuple[tuple[str, str], ...]
    """Results, each with the kernels that came to it; empty where the part is of one kernel."""
    troubles: tuple[Trouble, ...]
    histogram: histogram.Histogram | None
    places: tuple[ExamplePlace, ...]
    """Its examples."""
    see: tuple[str, str] | None
    """The part that has the evidence instead: its id, and its kernel's name."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A scenario."""

    id: str
    about: About
    parts: tuple[Part, ...]

    @property
    def series(self) -> Series:
        """The first one, which stands for all where there is but one kernel."""
        return self.parts[0].series


@dataclass(frozen=True, slots=True)
class Chapters:
    """All of them, and by the number of each series the id of the part where it is."""

    chapters: tuple[Chapter, ...]
    ids: dict[int, str]

    @property
    def places(self) -> tuple[ExamplePlace, ...]:
        """The places of all examples, in the order of the page."""
        return tuple(place for chapter in self.chapters for part in chapter.parts for place in part.places)


class Names:
    """Hands out element ids, each once, whatever the scenarios are called."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, wish: str) -> str:
        """Return `wish` as an id, with a number where it is taken."""
        base = re.sub(r"[^a-z0-9]+", "-", wish.lower()).strip("-") or "it"
        name, number = base, 1
        while name in self._taken:
            number += 1
            name = f"{base}-{number}"
        self._taken.add(name)
        return name


def chapters_of(report: Report, budget: Budget, names: Names) -> Chapters:
    """Lay out the chapters of a report; what their examples hold is decided later, by the room that is left."""
    builder = _Builder(report, budget, names)
    chapters = tuple(builder.chapter(about, groups) for about, groups in _groups(report, budget.merge))
    return Chapters(chapters, builder.ids)


def by_priority(report: Report, places: tuple[ExamplePlace, ...]) -> list[ExamplePlace]:
    """Order examples by what is shown in full first: the first run of each series, failures before the rest."""
    wrong = (Mark.FAIL, Mark.UNSURE)
    return sorted(places, key=lambda place: (place.number, report.series[place.series].mark not in wrong))


def _groups(report: Report, merge: Merge) -> list[tuple[About, list[list[int]]]]:
    """For each chapter the numbers of its series, grouped by equal results."""
    if len(cells.kernels_of(report.series)) < 2:
        return [(series.about, [[number]]) for number, series in enumerate(report.series)]
    found: dict[About, dict[object, list[int]]] = {}
    for number, series in enumerate(report.series):
        key = number if merge is Merge.SEPARATE else _result(series, number, merge)
        found.setdefault(series.about, {}).setdefault(key, []).append(number)
    return [(about, list(groups.values())) for about, groups in found.items()]


def _result(series: Series, number: int, merge: Merge) -> object:
    """Equal for equal results, however often each came; each lost machine has its own reason while there is room."""
    outcomes = frozenset(count.outcome for count in series.counts)
    troubles = tuple(map(bool, (series.warnings, series.errors, series.missing, left_behind(series))))
    return (series.mark, outcomes, troubles, number if Outcome.LOST_VM in outcomes and merge is Merge.BRIEF else None)


class _Builder:
    """Makes one part after the other."""

    def __init__(self, report: Report, budget: Budget, names: Names) -> None:
        self.ids: dict[int, str] = {}
        self._report, self._budget, self._names = report, budget, names
        self._kernels = cells.kernel_names(cells.kernels_of(report.series))
        self._several = len(self._kernels) > 1
        self._open_left = len(report.series) if len(report.series) <= _OPEN_SERIES else 1

    def chapter(self, about: About, groups: list[list[int]]) -> Chapter:
        name = self._names.unique(about.name)
        parts: list[Part] = []
        for group in groups:
            together = self._budget.merge is Merge.NAMED
            first = self._part(name, group if together else group[:1], None)
            parts.append(first)
            if not together:
                parts += [self._part(name, [number], first) for number in group[1:]]
        return Chapter(name, about, tuple(parts))

    def _part(self, chapter: str, group: list[int], like: Part | None) -> Part:
        every = [self._report.series[number] for number in group]
        series, kernel = every[0], self._kernels[every[0].kernel]
        name = chapter
        if self._several:
            named = self._budget.merge is Merge.NAMED
            name = self._names.unique("p" if named else f"{series.about.name}-{kernel}")
        self.ids |= dict.fromkeys(group, name)
        return Part(
            id=name,
            series=series,
            kernel=kernel,
            merged=self._merged(every) if len(every) > 1 else (),
            troubles=_troubles(every),
            histogram=None if like else histogram.histogram(series),
            places=() if like else self._places(group[0], series, name),
            see=(like.id, like.kernel) if like else None,
        )

    def _places(self, number: int, series: Series, part: str) -> tuple[ExamplePlace, ...]:
        opened = self._open_left > 0
        self._open_left -= bool(series.examples)
        level = 4 if self._several else 3
        return tuple(
            ExamplePlace(
                number, each, self._names.unique(f"{part}-{result.verdict.outcome}"), level, opened and each == 0
            )
            for each, result in enumerate(series.examples)
        )

    def _merged(self, every: list[Series]) -> tuple[tuple[str, str], ...]:
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


def _troubles(every: list[Series]) -> tuple[Trouble, ...]:
    """Each text once, of all the kernels that share the part."""
    found = (
        ("Missing on this machine", [text for series in every for text in series.missing], False),
        ("Not armed", [text for series in every for text in series.errors], False),
        ("Left behind", [text for series in every for text in left_behind(series)], False),
        ("In the kernel's log during the runs", [text for series in every for text in series.warnings], True),
    )
    return tuple(Trouble(heading, _first(texts, len(every)), verbatim) for heading, texts, verbatim in found if texts)


def _first(texts: list[str], members: int) -> tuple[str, ...]:
    once = tuple(dict.fromkeys(texts))
    if members == 1 or len(once) <= _TEXTS:
        return once
    return (*once[:_TEXTS], f"… {len(once) - _TEXTS} more, of other kernels")
