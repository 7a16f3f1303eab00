"""JUnit XML: a suite for each kernel, a case for each case; a known failure is skipped, with its reason."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from harness.report.text import visible
from harness.suite.case import CaseResult, Status, SuiteReport
from harness.suite.formats import _words

SUMMARY = "JUnit XML, a suite a kernel"
_TAGS = {
    Status.FAIL: "failure",
    Status.CHANGED: "failure",
    Status.UNSURE: "error",
    Status.KNOWN: "skipped",
    Status.SKIPPED: "skipped",
}


def render(report: SuiteReport) -> str:
    """Render the results."""
    root = ET.Element("testsuites", name="fusezap suite", time=f"{report.duration_s:.3f}")
    for spec in dict.fromkeys(each.spec for each in report.results):
        suite = ET.SubElement(root, "testsuite", name=_legal(spec), timestamp=report.started.removesuffix("Z"))
        for result in report.results:
            if result.spec == spec:
                _case(suite, result)
        _count(suite)
    if report.errors:
        suite = ET.SubElement(root, "testsuite", name="fusezap")
        case = ET.SubElement(suite, "testcase", name="kernels", classname="fusezap")
        ET.SubElement(case, "error", message=_legal("; ".join(report.errors)))
        _count(suite)
    for attribute in ("tests", "failures", "errors", "skipped"):
        root.set(attribute, str(sum(int(each.get(attribute, "0")) for each in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(suite: ET.Element, result: CaseResult) -> None:
    seconds = result.series.duration_s if result.series is not None else 0.0
    case = ET.SubElement(suite, "testcase", name=result.case.name, classname=_legal(result.spec), time=f"{seconds:.3f}")
    tag = _TAGS.get(result.status)
    if tag is not None:
        element = ET.SubElement(case, tag, message=_legal(f"{result.status}: {result.why}"))
        element.text = _legal("\n".join(_words.reasons(result)))
    words = filter(None, (_words.outcome(result), _words.change(result)))
    ET.SubElement(case, "system-out").text = _legal("\n".join(words))


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite)))
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))


def _legal(text: str) -> str:
    """Escape what XML cannot hold, and break `[[`: Jenkins obeys `[[ATTACHMENT|path]]`."""
    return "\n".join(map(visible, text.split("\n"))).replace("[[", "[ [")
