"""Results of several kernels next to each other: a row for each scenario, a column for each kernel.

Every format has the same words in a cell and the same names of kernels; only their look is its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.model.records import NO_VERDICT, About, Kernel, Kind, Mark, Outcome, Series
from harness.record import record
from harness.report.text import counted

SIGNS = {Mark.PASS: "✔", Mark.FAIL: "✘", Mark.REPORTED: "•", Mark.UNSURE: "?", Mark.SKIPPED: "○"}
LOST = "lost"
NOT_RUN = "not run"


@record(frozen=True, slots=True)
class ScenarioRow:
    """A row of the table."""

    about: About
    cells: tuple[tuple[int, ...], ...]
    """The numbers of each kernel's series: none if the scenario was not run, several if it was repeated."""
    differs: bool
    """Two kernels came to different outcomes."""


@record(frozen=True, slots=True)
class CellTable:
    """The table."""

    kernels: tuple[Kernel, ...]
    rows: tuple[ScenarioRow, ...]
    """Ordered by kind."""


def kernels_of(every: Iterable[Series]) -> tuple[Kernel, ...]:
    """List the kernels of some series, in the order in which they are met."""
    return tuple(dict.fromkeys(series.kernel for series in every))


def kernel_names(kernels: Iterable[Kernel]) -> dict[Kernel, str]:
    """Name kernels by their release, with machine and version where the release alone is ambiguous."""
    kernels = tuple(kernels)
    wordings = [
        {kernel: kernel.release for kernel in kernels},
        {kernel: f"{kernel.release} {kernel.machine}" for kernel in kernels},
    ]
    names = {kernel: f"{kernel.release} {kernel.version} {kernel.machine}" for kernel in kernels}
    for wording in reversed(wordings):
        times = Counter(wording.values())
        names |= {kernel: name for kernel, name in wording.items() if times[name] == 1}
    return names


def matrix_of(every: Sequence[Series]) -> CellTable | None:
    """Arrange series as a table; None where there are not several kernels."""
    kernels = kernels_of(every)
    if len(kernels) < 2:
        return None
    found: dict[About, dict[Kernel, list[int]]] = {}
    for number, series in enumerate(every):
        found.setdefault(series.about, {}).setdefault(series.kernel, []).append(number)
    order = list(Kind)
    rows = [
        ScenarioRow(about, tuple(tuple(by_kernel.get(kernel, ())) for kernel in kernels), _differs(every, by_kernel))
        for about, by_kernel in found.items()
    ]
    return CellTable(kernels, tuple(sorted(rows, key=lambda row: order.index(row.about.kind))))


def _differs(every: Sequence[Series], by_kernel: dict[Kernel, list[int]]) -> bool:
    """Compare the outcomes of kernels, but for those that are no verdict."""
    seen = [
        frozenset(count.outcome for number in numbers for count in every[number].counts) - NO_VERDICT
        for numbers in by_kernel.values()
    ]
    return len({outcomes for outcomes in seen if outcomes}) > 1


def words(series: Series) -> str:
    """Write the result of a series as `deadlock`, `deadlock 20` or `deadlock 3 · released 1`."""
    warned = f", {counted(len(series.warnings), 'warning')}" if series.warnings else ""
    if series.mark is Mark.SKIPPED:
        return f"skipped{warned}"
    if not series.counts:
        return f"{'not armed' if series.errors else 'no outcome'}{warned}"
    if series.runs == 1:
        return f"{series.counts[0].outcome}{warned}"
    return " · ".join(f"{count.outcome} {count.times}" for count in series.counts) + warned


def mixed(series: Series) -> bool:
    """True where the runs came to more than one outcome."""
    return len(series.counts) > 1


def look(series: Series) -> str:
    """Name the look of a series: its mark, or LOST for a virtual machine that was lost."""
    if series.mark is Mark.UNSURE and series.count(Outcome.LOST_VM):
        return LOST
    return series.mark.value


def sign(series: Series) -> str:
    """Return the character that stands for the look of a series."""
    return "†" if look(series) == LOST else SIGNS[series.mark]
