"""One line, for a monitor that shows no more: what is stuck, the commonest kind first."""

from __future__ import annotations

from collections import Counter

from harness.diagnosis.formats import _words
from harness.diagnosis.records import Diagnosis

SUMMARY = "one short line, for a monitor"


def render(diagnosis: Diagnosis) -> str:
    if not diagnosis.findings:
        return _words.headline(diagnosis).partition(":")[0] + "\n"
    kinds = Counter(each.kind for each in diagnosis.findings).most_common()
    told = ", ".join(f"{times} {kind}" for kind, times in kinds)
    return f"stuck: {told} ({', '.join(each.id for each in diagnosis.findings)})\n"
