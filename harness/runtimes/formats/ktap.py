"""KTAP: one test per runtime and experiment, with the answers as diagnostics."""

from __future__ import annotations

from harness.report.text import visible
from harness.runtimes.formats import _words
from harness.runtimes.records import RuntimesReport

SUMMARY = "KTAP, as kernel test suites read it"


def render(report: RuntimesReport) -> str:
    tests: list[tuple[bool, str, list[str]]] = []
    for subject in report.subjects:
        for course in subject.courses:
            answers = [f"{each.when} {each.name}: {_words.answer(each.answer)}" for each in course.operations]
            tests.append((course.good, f"{subject.name} {course.experiment}", answers))
        if subject.missing:
            tests.append((True, f"{subject.name} # SKIP {visible('; '.join(subject.missing))}", []))
        if subject.errors or subject.leftovers:
            words = [visible(each) for each in (*subject.errors, *subject.leftovers)]
            tests.append((False, subject.name, words))
    lines = ["KTAP version 1", f"1..{len(tests)}"]
    for number, (good, name, diagnostics) in enumerate(tests, start=1):
        lines += [f"# {each}" for each in diagnostics]
        lines.append(f"{'ok' if good else 'not ok'} {number} {name}")
    return "\n".join(lines) + "\n"
