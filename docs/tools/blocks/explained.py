"""The reports of `tests/data/explain`, and what `fusezap explain` makes of each: a confusion table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from harness.blockers import table
from harness.blockers.row import Certainty
from harness.explain.answer import Explanation
from harness.explain.explanation import explain
from harness.explain.read import read

DATA = Path(__file__).parents[3] / "tests" / "data" / "explain"
MEASURED = "2026-11-28"
COMMAND = "python -m docs.tools refresh"
_MARKS = ("right", "partly", "wrong", "unknown")


@dataclass(frozen=True, slots=True)
class Case:
    """A public report and its right answer.

    Attributes:
        id: The name of its file, without `.txt`.
        source: owner/repository#number, or a mailing list and a subject.
        kernel: The kernel it is from.
        form: The dialects of the text.
        cause: What it was.
        kinds: Rows that are right.
        certainty: How sure the text allows one to be.
        culprit: Words of the right culprit.
        first: Of a report that the table had never seen, what came before it was mended; "" for the others.
        known_from: `the thread`, or `the stack alone`: nobody confirmed the cause.
    """

    id: str
    source: str
    kernel: str
    form: str
    cause: str
    kinds: tuple[str, ...]
    certainty: str
    culprit: str
    known_from: str
    first: str = ""

    @property
    def text(self) -> str:
        return (DATA / f"{self.id}.txt").read_text()


def cases() -> tuple[Case, ...]:
    """All reports, in the order of the file."""
    found = [json.loads(line) for line in (DATA / "cases.jsonl").read_text().splitlines()]
    return tuple(Case(**{**each, "kinds": tuple(each["kinds"])}) for each in found)


def mark(case: Case, found: Explanation) -> str:
    """`right`: the kind, how sure, and the culprit; `partly`: the kind; `unknown`: no answer; else `wrong`.

    Where the text allows no answer, `unknown` is the right one.
    """
    if found.kind in case.kinds:
        sure = found.certainty.value == case.certainty
        return "right" if sure and case.culprit in found.culprit else "partly"
    return "unknown" if found.certainty is Certainty.UNKNOWN else "wrong"


def render(_: str) -> str:
    """The counts, then a row for each report."""
    rows = []
    counts = dict.fromkeys(_MARKS, 0)
    alone = 0
    unseen = [case.first for case in cases() if case.first]
    for case in cases():
        found = explain(read(case.text))
        came = mark(case, found)
        counts[came] += 1
        stack_alone = case.known_from == "the stack alone"
        alone += came == "right" and stack_alone
        star = " *" if stack_alone else ""
        rows.append(
            f"| {case.source} | {case.kernel} | {case.form} | {case.kinds[0]} | {found.kind}, {found.certainty.value} "
            f"| {came}{star} |"
        )
    return "\n".join(
        (
            f"Measured on {MEASURED} by `{COMMAND}`, over {len(rows)} reports:",
            "",
            "| right | partly | wrong | unknown |",
            "|---|---|---|---|",
            "| " + " | ".join(str(counts[each]) for each in _MARKS) + " |",
            "",
            f"{alone} of the right answers (marked *) rest on a stack alone: nobody confirmed the cause.",
            "",
            f"{len(unseen)} of the reports were collected after the table was written. Their first answers, before "
            f"the table was mended: {', '.join(f'{unseen.count(each)} {each}' for each in _MARKS)}.",
            "",
            f"{sum(bool(row.recorded) for row in table.rows())} of the table's {len(table.rows())} rows have a "
            "recorded stack as their example: of these reports, or of a wait that was made here. The others' examples "
            "are put together from the kernel's source.",
            "",
            "| report | kernel | form | right answer | explain | |",
            "|---|---|---|---|---|---|",
            *rows,
        )
    )
