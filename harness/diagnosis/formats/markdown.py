"""Markdown for the record of an incident or a bug report; text from the machine stands in indented code."""

from __future__ import annotations

from harness.diagnosis.formats import _words
from harness.diagnosis.formats._summary import ordered
from harness.diagnosis.records import Diagnosis, Finding
from harness.report.text import INDENT, Line, visible

SUMMARY = "a record of the incident, in Markdown"
_CODE = "    "


def render(diagnosis: Diagnosis) -> str:
    lines = [f"# fusezap diagnose: {_words.headline(diagnosis)}", ""]
    lines += [
        f"By fusezap {diagnosis.version}, {visible(diagnosis.readings.taken)}:",
        "",
        _CODE + visible(diagnosis.command),
        "",
    ]
    for finding in ordered(diagnosis.findings):
        lines += _finding(finding)
    if diagnosis.waits:
        lines += ["## Long waits", "", *map(_code, _words.waits(diagnosis)), ""]
    unseen = _words.unseen(diagnosis)
    if unseen:
        lines += ["## Not seen", "", *(f"{_CODE}{each}" for each in unseen), ""]
    return "\n".join(lines)


def _finding(finding: Finding) -> list[str]:
    lines = [f"## {_words.title(finding)}", ""]
    lines += [f"{_CODE}{name}: {text}" for name, text in _words.facts(finding)]
    for heading, section in _words.sections(finding):
        if section:
            lines += ["", f"### {heading[:1].upper()}{heading[1:]}", "", *(_code(line) for line in section)]
    return [*lines, ""]


def _code(line: Line) -> str:
    depth, text = line
    return f"{_CODE}{INDENT * depth}{text}".rstrip()
