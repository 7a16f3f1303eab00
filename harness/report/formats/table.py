"""The table of kernels and scenarios as a page of documentation, with the history of the fix."""

from __future__ import annotations

import re

from harness.model.records import Kernel, Kind, Mark, Outcome, Report, Series
from harness.report import cells
from harness.report.proof import MEANS
from harness.report.text import counted, visible

SUMMARY = "a page of documentation in Markdown: scenarios by kernels, and which kernels hang"

HISTORY = (
    "The fix 5a8bee63b10f (“fuse: in fuse_flush only wait if someone wants the return code”) went into v6.3-rc1 and "
    "was reverted by 91ec6c85599b in v6.6-rc1 and in the stable releases 6.4.16 and 6.5.3, for with it execve() of a "
    "file just written failed with ETXTBSY"
)
_KINDS = {
    Kind.DEFECT: "Defects: a kernel free of them comes to `released`",
    Kind.BEHAVIOUR: "Behaviours: what FUSE does by design",
    Kind.CONTROL: "Controls: the same on every kernel, or the harness is wrong",
}
_SPECIAL = re.compile(r"([\\`*_<>|\[\]#])")


def render(report: Report) -> str:
    kernels = cells.kernels_of(report.series)
    lines = [f"{HISTORY}; {_today(report.series, kernels)}.", "", "# Kernels and scenarios", ""]
    lines += [
        f"Measured on {report.started[:10]} by fusezap {_text(report.version)}:",
        "",
        f"    {visible(report.command)}",
        "",
    ]
    lines += _rows(("kernel", "version", "machine"), [_uname(kernel) for kernel in kernels])
    for kind, title in _KINDS.items():
        found = [series for series in report.series if series.about.kind is kind]
        if found:
            lines += ["", f"## {title}", "", *_scenarios(found, kernels)]
    outcomes = {count.outcome for series in report.series for count in series.counts}
    lines += ["", "## Outcomes", ""]
    lines += [f"- `{outcome}`: {MEANS[outcome]}" for outcome in Outcome if outcome in outcomes]
    lines += [f"\n{_text(error)}" for error in report.errors]
    return "\n".join(lines) + "\n"


def _today(every: tuple[Series, ...], kernels: tuple[Kernel, ...]) -> str:
    """Say which kernels hang: those on which a defect was proven to be a deadlock."""
    names = cells.kernel_names(kernels)
    defects = [series for series in every if series.about.kind is Kind.DEFECT]
    hang = [kernel for kernel in kernels if any(each.kernel == kernel and _hangs(each) for each in defects)]
    free = [kernel for kernel in kernels if _is_free([each for each in defects if each.kernel == kernel])]
    unknown = [kernel for kernel in kernels if kernel not in (*hang, *free)]
    if hang and len(hang) == len(kernels):
        every_one = f"all {counted(len(hang), 'kernel')}" if len(hang) > 1 else "the one kernel"
        return f"{every_one} measured here still hang{'s' if len(hang) == 1 else ''}: {_listed(hang, names)}"
    parts = [
        f"{what}: {_listed(those, names)}"
        for what, those in (("today hang", hang), ("are free of it", free), ("gave no conclusion", unknown))
        if those
    ]
    return f"of the kernels measured here, {'; '.join(parts)}" if parts else "no kernel was measured"


def _hangs(series: Series) -> bool:
    return series.count(Outcome.DEADLOCK) > 0


def _is_free(defects: list[Series]) -> bool:
    return bool(defects) and all(each.mark is Mark.PASS for each in defects)


def _listed(kernels: list[Kernel], names: dict[Kernel, str]) -> str:
    return ", ".join(_text(names[kernel]) for kernel in kernels)


def _uname(kernel: Kernel) -> tuple[str, ...]:
    return tuple(_text(each) for each in (kernel.release, kernel.version, kernel.machine))


def _scenarios(every: list[Series], kernels: tuple[Kernel, ...]) -> list[str]:
    names = cells.kernel_names(kernels)
    rows = []
    for about in dict.fromkeys(series.about for series in every):
        columns = [[each for each in every if each.about == about and each.kernel == kernel] for kernel in kernels]
        rows.append((f"`{about.name}`", *map(_cell, columns)))
    return _rows(("scenario", *(_text(names[kernel]) for kernel in kernels)), rows)


def _cell(every: list[Series]) -> str:
    """Print defects, and results that differ from run to run, in bold."""
    parts = []
    for series in every:
        words = _text(cells.words(series))
        parts.append(f"**{words}**" if series.mark is Mark.FAIL or cells.mixed(series) else words)
    return "; ".join(parts) or cells.NOT_RUN


def _rows(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (titles, ("---",) * len(titles), *rows)]


def _text(text: str) -> str:
    """Escape text from outside, so that Markdown gives it no meaning."""
    return _SPECIAL.sub(r"\\\1", visible(text))
