"""JUnit XML in the form that Jenkins' junit-10.xsd describes and GitLab shows: a suite for each kernel, a case for each
scenario.  That schema knows properties of a suite only, so a scenario's are there, under its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from harness.model.records import NO_VERDICT, Kernel, Mark, Outcome, Report, Series
from harness.report.cells import kernel_names, kernels_of
from harness.report.proof import figures, headline, listed, proof
from harness.report.text import Line, deeper, folded, plain, visible

SUMMARY = "JUnit XML, as Jenkins and GitLab show it"


_UNDOTTED = re.compile(r"[^\w+~-]+")
"""A dot divides the name of a class."""


def render(report: Report) -> str:
    root = Element("testsuites", name="fusezap", time=_seconds(report.duration_s))
    kernels = kernel_names(kernels_of(report.series))
    for kernel, name in kernels.items():
        under = f"{_UNDOTTED.sub('_', name)}." if len(kernels) > 1 else ""
        _suite(root, report, name, under, [series for series in report.series if series.kernel == kernel])
    if report.errors:
        _unread(root, report)
    for attribute in ("tests", "failures", "errors"):
        root.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in root)))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(root: Element, report: Report, name: str, under: str, every: list[Series]) -> None:
    """Add the suite of a kernel; `under` is its part of the class names, for readers that ignore suites."""
    kernel = every[0].kernel
    marks = [series.mark for series in every]
    suite = SubElement(
        root,
        "testsuite",
        name=_legal(f"fusezap on {name}"),
        tests=str(len(every)),
        failures=str(marks.count(Mark.FAIL)),
        errors=str(marks.count(Mark.UNSURE)),
        skipped=str(marks.count(Mark.SKIPPED)),
        time=_seconds(sum(series.duration_s for series in every)),
        timestamp=_legal(report.started.removesuffix("Z")),
    )
    _properties(suite, report, kernel, every)
    for series in every:
        _case(suite, series, under)
    SubElement(suite, "system-out").text = _legal(plain(_overview(report, kernel, every)))


def _properties(suite: Element, report: Report, kernel: Kernel, every: list[Series]) -> None:
    properties = SubElement(suite, "properties")
    facts = {
        "kernel.release": kernel.release,
        "kernel.version": kernel.version,
        "kernel.machine": kernel.machine,
        "fusezap.version": report.version,
        "fusezap.command": report.command,
    }
    for series in every:
        facts |= {f"{series.about.name}.{name}": value for name, value in _facts(series).items()}
    for name, value in facts.items():
        SubElement(properties, "property", name=_legal(name), value=_legal(value))


def _facts(series: Series) -> dict[str, str]:
    facts = {"mark": str(series.mark), "runs": str(series.runs), "want": str(series.about.want)}
    for count in series.counts:
        facts[f"outcome.{count.outcome}"] = str(count.times)
        facts[f"outcome.{count.outcome}.rate-low"] = f"{count.low:.4f}"
        facts[f"outcome.{count.outcome}.rate-high"] = f"{count.high:.4f}"
    if series.latency is not None:
        facts["latency-ms.median"] = f"{series.latency.median:.3f}"
        facts["latency-ms.p95"] = f"{series.latency.p95:.3f}"
        facts["latency-ms.maximum"] = f"{series.latency.maximum:.3f}"
    return facts


def _case(suite: Element, series: Series, under: str) -> None:
    case = SubElement(
        suite,
        "testcase",
        name=_legal(series.about.name),
        classname=_legal(f"fusezap.{under}{series.about.kind}"),
        time=_seconds(series.duration_s),
    )
    whole = [line for result in series.examples for line in proof(result)]
    if series.mark is Mark.SKIPPED:
        SubElement(case, "skipped", message=_legal(f"missing: {listed(series.missing)}"))
    elif series.mark in (Mark.FAIL, Mark.UNSURE):
        tag = "failure" if series.mark is Mark.FAIL else "error"
        element = SubElement(case, tag, message=_legal(_message(series)), type=_type(series))
        element.text = _legal(plain([*figures(series), *whole]))
    lines = [(0, folded(series.about.summary)), *figures(series), *(whole if series.mark is Mark.REPORTED else [])]
    SubElement(case, "system-out").text = _legal(plain(lines))


def _message(series: Series) -> str:
    return f"{headline(series)}; a kernel free of the defect comes to {series.about.want}"


def _type(series: Series) -> str:
    """Name the outcome that makes the case a failure."""
    wrong = [count.outcome for count in series.counts if count.outcome is not series.about.want]
    wrong = [outcome for outcome in wrong if outcome not in NO_VERDICT] or wrong
    return str(wrong[0]) if wrong else str(Outcome.INCONCLUSIVE)


def _unread(root: Element, report: Report) -> None:
    suite = SubElement(root, "testsuite", name="fusezap", tests="1", failures="0", errors="1", skipped="0")
    case = SubElement(suite, "testcase", name="scenario files", classname="fusezap")
    message = f"{len(report.errors)} unreadable"
    SubElement(case, "error", message=message, type="unreadable").text = _legal(
        plain((0, folded(error)) for error in report.errors)
    )


def _overview(report: Report, kernel: Kernel, every: Iterable[Series]) -> list[Line]:
    lines: list[Line] = [
        (0, visible(report.command)),
        (0, visible(f"{kernel.release} {kernel.version} {kernel.machine}")),
    ]
    for series in every:
        lines += [(0, f"{series.about.name}: {series.mark}"), *deeper(figures(series))]
    return lines


def _legal(text: str) -> str:
    """Escape what XML cannot hold or a viewer would obey, and break `[[`: Jenkins obeys `[[ATTACHMENT|path]]`."""
    return "\n".join(map(visible, text.split("\n"))).replace("[[", "[ [")


def _seconds(duration: float) -> str:
    """junit-10.xsd's SUREFIRE_TIME: three decimals at the most."""
    return f"{duration:.3f}"
