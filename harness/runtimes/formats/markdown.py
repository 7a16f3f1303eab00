"""A page of documentation with the answers of each runtime in tables."""

from __future__ import annotations

import re

from harness.report.text import visible
from harness.runtimes.formats import _words
from harness.runtimes.records import ExperimentResult, Moment, RuntimesReport, Subject

SUMMARY = "a page of documentation (docs/reference/runtimes.md is one)"


def render(report: RuntimesReport) -> str:
    release, machine = (_cell(visible(each)) for each in (report.kernel.release, report.kernel.machine))
    lines = [
        "# What container runtimes do when a container cannot die",
        "",
        "The answers of the runtimes while a container hung in the flush of its own FUSE server: "
        + _words.summary(report),
        "",
        f"Measured {report.started} on Linux {release} ({machine}) by fusezap {report.version}, with",
        f"`{visible(report.command)}`. In each cell: exit status, message and time.",
        "",
    ]
    for subject in report.subjects:
        lines += _subject(subject)
    return "\n".join(lines)


def _subject(subject: Subject) -> list[str]:
    lines = [f"## {subject.name}", "", f"{_cell(subject.summary)}: {_cell(_words.versions(subject))}.", ""]
    troubles = _words.troubles(subject)
    lines += [f"- {_cell(text)}" for text in troubles]
    lines += [""] if troubles else []
    for course in subject.courses:
        lines += _course(course)
    return lines


def _course(course: ExperimentResult) -> list[str]:
    picture = course.picture
    heading = _words.EXPERIMENTS[course.experiment]
    outcome = f"{picture.outcome.upper()} {picture.verdict_ms:.0f} ms after the kill"
    lines = [f"### {heading[:1].upper()}{heading[1:]}", ""]
    lines += [
        f"{outcome}: {_cell(_words.tree(course))}.",
        "",
    ]
    lines += ["| asked | before | while it hangs |", "|---|---|---|"]
    for each in _words.asked(course, Moment.STUCK):
        lines.append(f"| {each.name} | {_cell(_words.before(course, each))} | {_cell(_words.answer(each.answer))} |")
    lines += ["", "| asked | after the abort |", "|---|---|"]
    for each in _words.asked(course, Moment.ABORTED):
        lines.append(f"| {each.name} | {_cell(_words.answer(each.answer))} |")
    lines += ["", f"The end: {_cell(_words.ending(course))}. Lost: {_cell(_words.lost(course))}.", ""]
    return lines


def _cell(text: str) -> str:
    """Escape text from a machine for a cell of a table."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)
