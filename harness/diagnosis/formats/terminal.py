"""For a person: every finding with what it rests on.  Plain text; it needs nothing but the standard library."""

from __future__ import annotations

from harness.diagnosis.formats import _words
from harness.diagnosis.records import Diagnosis
from harness.report.text import Line, deeper, plain

SUMMARY = "for a person"


def render(diagnosis: Diagnosis) -> str:
    lines: list[Line] = [(0, _words.headline(diagnosis))]
    for finding in diagnosis.findings:
        lines += [(0, ""), (0, _words.title(finding))]
        lines += [(1, f"{name}: {text}") for name, text in _words.facts(finding)]
        for heading, section in _words.sections(finding):
            lines += [(1, heading), *deeper(section, 2)]
    unseen = _words.unseen(diagnosis)
    if unseen:
        lines += [(0, ""), (0, "not seen"), *((1, each) for each in unseen)]
    return plain(lines)
