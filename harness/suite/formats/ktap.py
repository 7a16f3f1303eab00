"""KTAP version 1: a test for each kernel, whose subtests are the cases; a known failure is an expected one (XFAIL)."""

from __future__ import annotations

from harness.report.text import INDENT, folded
from harness.suite.case import GOOD, CaseResult, Status, SuiteReport
from harness.suite.formats import _words

SUMMARY = "KTAP version 1, as kernel test suites read it"
VERSION = "KTAP version 1"


def render(report: SuiteReport) -> str:
    """Render the results."""
    specs = list(dict.fromkeys(each.spec for each in report.results))
    plan = len(specs) + bool(report.errors)
    lines = [VERSION, f"1..{plan}" if plan else "1..0 # SKIP nothing was run"]
    for number, spec in enumerate(specs, start=1):
        results = [each for each in report.results if each.spec == spec]
        lines += [INDENT + VERSION, f"{INDENT}1..{len(results)}"]
        for place, each in enumerate(results, start=1):
            lines += [f"{INDENT}# {INDENT}{reason}" for reason in _words.reasons(each)]
            lines.append(f"{INDENT}{_point(each, place)}")
        good = all(each.status in GOOD for each in results)
        lines.append(f"{'ok' if good else 'not ok'} {number} {_hashless(spec)}")
    if report.errors:
        lines += [f"# {INDENT}{folded(each)}" for each in report.errors]
        lines.append(f"not ok {plan} kernels # ERROR {len(report.errors)} could not be started")
    return "\n".join(lines) + "\n"


def _point(result: CaseResult, number: int) -> str:
    directive = {Status.KNOWN: "XFAIL ", Status.SKIPPED: "SKIP ", Status.UNSURE: "ERROR "}.get(result.status, "")
    words = "; ".join(filter(None, (result.why or _words.outcome(result), _words.change(result))))
    state = "ok" if result.status in GOOD else "not ok"
    return f"{state} {number} {result.case.name} # {directive}{_hashless(words)}"


def _hashless(text: str) -> str:
    """The first `#` of a result line begins its directive."""
    return folded(text).replace("#", "_")
