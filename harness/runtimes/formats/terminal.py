"""For a person: the answers of each runtime, one per line."""

from __future__ import annotations

from harness.report.text import INDENT
from harness.runtimes.formats import _words
from harness.runtimes.records import Moment, RuntimesReport

SUMMARY = "for a person"
_NAME = 18


def render(report: RuntimesReport) -> str:
    lines = []
    for subject in report.subjects:
        lines.append(f"{subject.name}: {_words.versions(subject) or subject.summary}")
        lines += [f"{INDENT}{each}" for each in _words.troubles(subject)]
        for course in subject.courses:
            lines.append(f"{INDENT}{_words.EXPERIMENTS[course.experiment]}: {course.picture.outcome.upper()}")
            lines.append(f"{INDENT * 2}{_words.tree(course)}")
            for when in (Moment.STUCK, Moment.ABORTED):
                lines.append(f"{INDENT * 2}{'while it hangs' if when is Moment.STUCK else 'after the abort'}")
                for each in _words.asked(course, when):
                    lines.append(f"{INDENT * 3}{each.name:{_NAME}} {_words.answer(each.answer)}")
            lines.append(f"{INDENT * 2}{_words.ending(course)}")
            lines.append(f"{INDENT * 2}lost: {_words.lost(course)}")
    return "\n".join(lines) + "\n"
