"""One line, for a monitor that shows no more: what is stuck, in which containers, and the command for the worst."""

from __future__ import annotations

from collections import Counter

from harness.diagnosis.formats import _words
from harness.diagnosis.formats._summary import ordered, where
from harness.diagnosis.formats._summary import summary_row as row_of
from harness.diagnosis.records import Diagnosis

SUMMARY = "one line for a monitor: kinds, containers, and the command for the worst"


def render(diagnosis: Diagnosis) -> str:
    """Render the line; the containers are named in the order of the summary, the worst first."""
    if not diagnosis.findings:
        longest = f"; {_words.wait_title(diagnosis.waits[0])}" if diagnosis.waits and diagnosis.waits_count else ""
        return f"{_words.conclusion(diagnosis)}{longest}\n"
    every = ordered(diagnosis.findings)
    kinds = Counter(each.kind for each in every).most_common()
    counts = ", ".join(f"{times} {kind}" for kind, times in kinds)
    places = ", ".join(f"{where(each)} ({each.id})" for each in every)
    command = row_of(every[0]).command
    return f"stuck: {counts}; {places}{f'; worst: {command}' if command else ''}\n"
