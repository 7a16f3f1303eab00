"""For a person: one line a finding, then on request all of it.  Plain text, by the standard library alone."""

from __future__ import annotations

from harness.diagnosis.formats import _words
from harness.diagnosis.formats._summary import SummaryRow, ordered, summary_row
from harness.diagnosis.records import Diagnosis
from harness.report.text import INDENT, Line, columns, cut, deeper, plain, wrapped
from harness.report.width import width_of_terminal

SUMMARY = "one line a finding, for a person; `diagnose ID` or `-v` shows the rest"
_WHERE, _SHORTEST = 32, 8
"""Columns of a container's or pod's name, at most and at least; a longer one is cut."""
_WIDE = 120
"""Columns of what no terminal shows."""


def render(diagnosis: Diagnosis) -> str:
    """Render the summary: one line a finding, or two where the command does not fit beside the rest.

    Args:
        diagnosis: The findings of one look.

    Returns:
        Lines as wide as the terminal, whose commands are complete whatever its width.
    """
    rows = [summary_row(each) for each in ordered(diagnosis.findings)]
    width = width_of_terminal(_WIDE)
    before: list[Line] = [(0, _words.headline(diagnosis))]
    after: list[Line] = [(0, _hint(diagnosis))] if rows else []
    after += _words.waits(diagnosis)
    after += [(0, f"not seen: {each}") for each in _words.unseen(diagnosis)]
    lines = [*wrapped(before, width), *_table(rows, width), *wrapped(after, width)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _hint(diagnosis: Diagnosis) -> str:
    """Name the command for the rest; a recording is not of this machine, so that diagnose does not find its IDs."""
    if not diagnosis.readings.running or " judge " in diagnosis.command:
        return "-v shows all that is known"
    return "fusezap diagnose ID shows all that is known of one, -v of all"


def _table(rows: list[SummaryRow], width: int) -> list[str]:
    without = columns([(each.id, each.outcome, each.age, "", each.what) for each in rows])
    rest = max(map(len, without), default=0)
    most = max(min(_WHERE, width - rest), _SHORTEST)
    texts = columns([(each.id, each.outcome, each.age, cut(each.where, most), each.what) for each in rows])
    commands = [f"{'[loses nothing] ' if each.lossless else ''}{each.command}" for each in rows]
    both = [f"{text}{INDENT}{commands[number]}" for number, text in enumerate(texts)]
    if all(len(line) <= width for line in both):
        return both
    return [line for number, text in enumerate(texts) for line in (text, f"{INDENT * 2}{commands[number]}")]


def details(diagnosis: Diagnosis) -> str:
    """Render every finding with all that its verdict rests on."""
    lines: list[Line] = [(0, _words.headline(diagnosis))]
    for finding in ordered(diagnosis.findings):
        lines += [(0, ""), (0, _words.title(finding))]
        lines += [(1, f"{name}: {text}") for name, text in _words.facts(finding)]
        for heading, section in _words.sections(finding):
            lines += [(1, heading), *deeper(section, 2)]
    if diagnosis.waits:
        lines += [(0, ""), *_words.waits(diagnosis)]
    unseen = _words.unseen(diagnosis)
    if unseen:
        lines += [(0, ""), (0, "not seen"), *((1, each) for each in unseen)]
    return plain(lines)
