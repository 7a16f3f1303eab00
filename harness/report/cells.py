"""What several kernels came to, side by side: a row for each scenario, a column for each kernel.

How that looks is each format's own; what stands in a cell, and under which name a kernel goes, is the same in all.
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
class Row:
    about: About
    cells: tuple[tuple[int, ...], ...]
    """By kernel, places among the series: none where it was not run, several where it was run again."""
    differs: bool
    """Two kernels came to outcomes that are not the same."""


@record(frozen=True, slots=True)
class Matrix:
    kernels: tuple[Kernel, ...]
    rows: tuple[Row, ...]
    """Those of a kind beside each other."""


def kernels_of(every: Iterable[Series]) -> tuple[Kernel, ...]:
    """As they are met."""
    return tuple(dict.fromkeys(series.kernel for series in every))


def kernel_names(kernels: Iterable[Kernel]) -> dict[Kernel, str]:
    """The release, and of those that have the same the machine too, and the version."""
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


def matrix_of(every: Sequence[Series]) -> Matrix | None:
    """None where there is but one kernel, or none."""
    kernels = kernels_of(every)
    if len(kernels) < 2:
        return None
    found: dict[About, dict[Kernel, list[int]]] = {}
    for number, series in enumerate(every):
        found.setdefault(series.about, {}).setdefault(series.kernel, []).append(number)
    order = list(Kind)
    rows = [
        Row(about, tuple(tuple(by_kernel.get(kernel, ())) for kernel in kernels), _differs(every, by_kernel))
        for about, by_kernel in found.items()
    ]
    return Matrix(kernels, tuple(sorted(rows, key=lambda row: order.index(row.about.kind))))


def _differs(every: Sequence[Series], by_kernel: dict[Kernel, list[int]]) -> bool:
    """What says nothing of a kernel makes no difference."""
    seen = [
        frozenset(count.outcome for number in numbers for count in every[number].counts) - NO_VERDICT
        for numbers in by_kernel.values()
    ]
    return len({outcomes for outcomes in seen if outcomes}) > 1


def words(series: Series) -> str:
    """`deadlock`, `deadlock 20`, `deadlock 3 · released 1`: how often, where it ran more than once."""
    warned = f", {counted(len(series.warnings), 'warning')}" if series.warnings else ""
    if series.mark is Mark.SKIPPED:
        return f"skipped{warned}"
    if not series.counts:
        return f"{'not armed' if series.errors else 'no outcome'}{warned}"
    if series.runs == 1:
        return f"{series.counts[0].outcome}{warned}"
    return " · ".join(f"{count.outcome} {count.times}" for count in series.counts) + warned


def mixed(series: Series) -> bool:
    """Its repeats came to more than one outcome."""
    return len(series.counts) > 1


def look(series: Series) -> str:
    """Its mark; but a machine that was lost is told from a run that could not be judged."""
    if series.mark is Mark.UNSURE and series.count(Outcome.LOST_VM):
        return LOST
    return series.mark.value


def sign(series: Series) -> str:
    return "†" if look(series) == LOST else SIGNS[series.mark]
