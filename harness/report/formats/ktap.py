"""KTAP version 1, as the kernel's own test runners read it (Documentation/dev-tools/ktap.rst).

A scenario is a test with subtests: armed, each outcome that was seen, form, resolved, nothing left behind.  With
several kernels each kernel is a test, and the scenarios are its subtests.  The names stay the same from run to run, so
that a runner can follow a test; everything that changes is behind the `#`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.model.records import NO_VERDICT, STUCK, Count, Kernel, Kind, Mark, Outcome, Report, Series
from harness.report.cells import kernel_names, kernels_of
from harness.report.proof import MEANS, figures, headline, left_behind, listed, occurrences, proof, stuck
from harness.report.text import INDENT, Line, deeper, folded, visible

SUMMARY = "KTAP version 1, the kernel's Test Anything Protocol; prove(1) reads it too"
VERSION = "KTAP version 1"


@dataclass(frozen=True, slots=True)
class _Point:
    """A result line with its diagnostics and subtests."""

    ok: bool
    name: str
    after: str = ""
    """Behind the `#`: a directive and its reason, or diagnostic data."""
    diagnostics: tuple[Line, ...] = ()
    subtests: tuple[_Point, ...] = ()


def render(report: Report) -> str:
    names = kernel_names(kernels_of(report.series))
    points = [_scenario(series) for series in report.series]
    if len(names) > 1:
        points = [_kernel(kernel, name, report) for kernel, name in names.items()]
    points += [_Point(False, "scenario-file", f"ERROR {folded(error)}") for error in report.errors]
    lines = [VERSION, f"1..{len(points)}" if points else "1..0 # SKIP nothing ran"]
    lines.append(f"# fusezap {folded(report.version)}, {folded(report.started)}: {visible(report.command)}")
    return "\n".join([*lines, *_numbered(points, "")]) + "\n"


def _numbered(points: Iterable[_Point], indent: str) -> list[str]:
    """`Diagnostic lines regarding a test are directly before the test result line for that test`; subtests are before
    these, two spaces deeper, with a version and a plan of their own."""
    lines: list[str] = []
    for number, point in enumerate(points, start=1):
        if point.subtests:
            deep = indent + INDENT
            lines += [deep + VERSION, f"{deep}1..{len(point.subtests)}", *_numbered(point.subtests, deep)]
        lines += [f"{indent}# {INDENT * depth}{text}".rstrip() for depth, text in point.diagnostics]
        after = f" # {_hashless(point.after)}" if point.after else ""
        lines.append(f"{indent}{'ok' if point.ok else 'not ok'} {number} {_hashless(point.name)}{after}")
    return lines


def _hashless(text: str) -> str:
    """The first `#` of a result line begins its directive."""
    return folded(text).replace("#", "_")


def _kernel(kernel: Kernel, name: str, report: Report) -> _Point:
    points = tuple(_scenario(series) for series in report.series if series.kernel == kernel)
    passed = [point.ok for point in points]
    about = (0, f"kernel {folded(kernel.release)} {folded(kernel.version)} {folded(kernel.machine)}")
    return _Point(all(passed), f"kernel {name}", f"{sum(passed)} of {len(passed)} ok", (about,), points)


def _scenario(series: Series) -> _Point:
    """`If one of the subtests fail, the parent test should also fail`."""
    name = series.about.name
    if series.mark is Mark.SKIPPED:
        return _Point(True, name, f"SKIP missing: {listed(series.missing)}")
    subtests = (_armed(series), *(_outcome(series, count) for count in series.counts), *_ends(series), _nothing(series))
    ok = series.mark in (Mark.PASS, Mark.REPORTED) and all(point.ok for point in subtests)
    return _Point(ok, name, _expected(series) if ok else _doubt(series), tuple(_story(series)), subtests)


def _doubt(series: Series) -> str:
    """Report an error and no failure where the runs say nothing about the kernel."""
    return f"ERROR no conclusion: {headline(series)}" if series.mark is Mark.UNSURE else ""


def _expected(series: Series) -> str:
    """Report a behaviour that hangs by design as an expected failure, like ksft_test_result_xfail() of kselftest."""
    outcomes = [count.outcome for count in series.counts if count.outcome in STUCK]
    return f"XFAIL {', '.join(outcomes)}, by design" if series.mark is Mark.REPORTED and outcomes else ""


def _story(series: Series) -> list[Line]:
    """List the evidence; text from outside is indented, because parsers give `# Subtest: ` at the margin a meaning."""
    kernel = series.kernel
    lines = [
        (0, f"scenario {folded(series.about.name)} {folded(series.about.summary)}"),
        (0, f"kernel {folded(kernel.release)} {folded(kernel.version)} {folded(kernel.machine)}"),
        *deeper(figures(series)),
    ]
    for result in series.examples:
        if series.mark is not Mark.PASS or result.verdict.outcome is not series.about.want:
            lines += proof(result)
    return lines


def _armed(series: Series) -> _Point:
    if series.errors:
        return _Point(False, "armed", f"ERROR {listed(series.errors)}")
    return _Point(series.runs > 0, "armed", "" if series.runs else "ERROR no run came to an outcome")


def _outcome(series: Series, count: Count) -> _Point:
    point = _Point(True, f"outcome {count.outcome}", occurrences(series, count))
    if series.mark is Mark.REPORTED:
        return replace(point, after=f"XFAIL by design, {point.after}") if count.outcome in STUCK else point
    if count.outcome in NO_VERDICT:
        return replace(point, ok=False, after=f"ERROR {MEANS[count.outcome]}, {point.after}")
    return replace(point, ok=count.outcome is series.about.want)


def _ends(series: Series) -> list[_Point]:
    """Report form and resolution; the form applies to defects only."""
    points = []
    deadlocks = [result for result in series.examples if result.verdict.outcome is Outcome.DEADLOCK]
    form = deadlocks[0].verdict.form if deadlocks and series.about.kind is Kind.DEFECT else ()
    if form:
        held = [check.holds for check in form]
        points.append(_Point(False not in held, "form", f"{held.count(True)} of {len(held)} checks hold"))
    endings = [result.resolution for result in series.examples if stuck(result)]
    tried = [ending for ending in endings if ending is not None]
    if not tried:
        points.append(_Point(True, "resolved", f"SKIP {'nobody tried' if endings else 'nothing was stuck'}"))
    else:
        failed = [ending for ending in tried if not ending.released]
        points.append(_Point(not failed, "resolved", f"by {', '.join(ending.action for ending in failed or tried)}"))
    return points


def _nothing(series: Series) -> _Point:
    left = left_behind(series)
    return _Point(not left, "nothing left behind", listed(left) if left else "")
