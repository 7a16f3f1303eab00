"""JUnit XML: one case per runtime and experiment, which passes where the hang was reproduced and all recovered."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from harness.report.text import visible
from harness.runtimes.formats import _words
from harness.runtimes.records import ExperimentResult, RuntimesReport, Subject

SUMMARY = "JUnit XML, a case a runtime"


def render(report: RuntimesReport) -> str:
    suite = ET.Element("testsuite", name="fusezap runtimes", time=f"{report.duration_s:.3f}", timestamp=report.started)
    for subject in report.subjects:
        for course in subject.courses:
            _case(suite, subject, course)
        if subject.missing or subject.errors or subject.leftovers:
            case = ET.SubElement(suite, "testcase", classname="runtimes", name=subject.name)
            kind = "skipped" if subject.missing else "error"
            words = (*subject.missing, *subject.errors, *subject.leftovers)
            ET.SubElement(case, kind, message=visible("; ".join(words)))
    suite.set("tests", str(len(suite)))
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    ET.indent(suite)
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(suite, encoding="unicode") + "\n"


def _case(suite: ET.Element, subject: Subject, course: ExperimentResult) -> None:
    name = f"{subject.name} {course.experiment}"
    case = ET.SubElement(suite, "testcase", classname="runtimes", name=name, time=f"{course.duration_s:.3f}")
    if not course.good:
        ET.SubElement(case, "failure", message=visible(_words.ending(course)))
    answers = [f"{each.when} {each.name}: {_words.answer(each.answer)}" for each in course.operations]
    ET.SubElement(case, "system-out").text = "\n".join(answers)
