"""The table of scenarios and kernels that a page of several kernels begins with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from harness.model.records import Kind, Report
from harness.report import cells
from harness.report.page.chapters import Chapter, Chapters


@dataclass(frozen=True, slots=True)
class GridCell:
    """The outcome of a scenario under a kernel."""

    look: str
    """Its classes in the style sheet."""
    words: str
    part: str
    """Id of the part with the evidence."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """A scenario."""

    chapter: Chapter
    differs: bool
    cells: tuple[tuple[GridCell, ...], ...]
    """The cells of each kernel."""

    @property
    def tags(self) -> str:
        """The looks of its cells, for the filter."""
        return " ".join(dict.fromkeys(cell.look.split()[0] for each in self.cells for cell in each))


@dataclass(frozen=True, slots=True)
class Grid:
    """The table."""

    kernels: tuple[tuple[str, str], ...]
    """Name, and release, version and machine of uname(2)."""
    kinds: tuple[tuple[Kind, tuple[GridRow, ...]], ...]
    differing: int
    mixed: int


def grid_of(report: Report, chapters: Chapters) -> Grid | None:
    """Make the table; None where there are not several kernels."""
    matrix = cells.matrix_of(report.series)
    if matrix is None:
        return None
    names = cells.kernel_names(matrix.kernels)
    by_about = {chapter.about: chapter for chapter in chapters.chapters}

    def cell(number: int) -> GridCell:
        series = report.series[number]
        look = f"{cells.look(series)} mixed" if cells.mixed(series) else cells.look(series)
        return GridCell(look, cells.words(series), chapters.ids[number])

    rows = [
        GridRow(by_about[row.about], row.differs, tuple(tuple(map(cell, numbers)) for numbers in row.cells))
        for row in matrix.rows
    ]
    return Grid(
        kernels=tuple((names[each], f"{each.release} {each.version} {each.machine}") for each in matrix.kernels),
        kinds=tuple((kind, tuple(group)) for kind, group in groupby(rows, lambda row: row.chapter.about.kind)),
        differing=sum(row.differs for row in matrix.rows),
        mixed=sum(map(cells.mixed, report.series)),
    )
