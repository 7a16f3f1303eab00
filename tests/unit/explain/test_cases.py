"""Public reports: what explain makes of each, and that they hold facts only."""

from __future__ import annotations

import re

import pytest

from docs.tools.blocks.explained import DATA, Case, cases, mark
from harness.explain.explanation import explain
from harness.explain.read import read

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.id)
def test_the_answer_is_right(case: Case) -> None:
    found = explain(read(case.text))
    assert mark(case, found) == "right", (found.kind, found.certainty, found.culprit)


def test_there_are_forty_and_the_given_eleven() -> None:
    assert len(CASES) >= 41
    assert {each.name for each in DATA.glob("*.txt")} == {f"{case.id}.txt" for case in CASES}
    assert len({case.source.partition(" ")[0] for case in CASES}) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.id)
def test_a_report_has_a_source_and_holds_no_prose(case: Case) -> None:
    assert re.match(r"[\w.-]+/[\w.-]+#\d+", case.source)
    for line in case.text.splitlines():
        assert len(line) < 200
        assert not re.search(r"\b(we|my|our|please|thanks)\b ", line)
