"""Carrying a search out: each answer is written down before the next question, and what is left is estimated."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.bisect import journal as journals
from harness.bisect import line, search
from harness.bisect.journal import Step
from harness.bisect.search import Answer, Plan
from harness.errors import MachineError

NAMES = tuple(f"kernel-{number}" for number in range(16))


def answer(revision: int) -> line.Tested:
    return line.Tested(Answer.HAS_IT if revision >= 11 else Answer.FREE, 1, f"6.{revision}", f"6.{revision}: it")


def test_the_estimate_falls_to_the_end(tmp_path: Path) -> None:
    with journals.opened(tmp_path / "j", "q") as journal:
        events = list(line.run(Plan(16), NAMES, line.in_turn(answer), journal))
    left = [each.left for each in events if isinstance(each, line.Next)]
    assert left == [6, 5, 4, 3, 2, 1]
    steps = [each for each in events if isinstance(each, Step)]
    assert [each.name for each in steps[:2]] == ["kernel-0", "kernel-15"]
    assert len(steps) == len(left)


def test_an_error_ends_it_and_the_answers_stay(tmp_path: Path) -> None:
    def broken(revision: int) -> line.Tested:
        if revision not in (0, 15):
            raise MachineError("no room on the disk")
        return answer(revision)

    with journals.opened(tmp_path / "j", "q") as journal, pytest.raises(MachineError, match="no room"):
        list(line.run(Plan(16), NAMES, line.in_turn(broken), journal))
    with journals.opened(tmp_path / "j", "q") as journal:
        assert [each.told.revision for each in journal.steps] == [0, 15]
        list(line.run(Plan(16), NAMES, line.in_turn(answer), journal))
        (change,) = search.conclude(Plan(16), journal.told(NAMES)).changes
    assert (change.before, change.after) == (10, 11)


def test_with_every_change_what_is_untested_counts(tmp_path: Path) -> None:
    plan = Plan(16, every=True)
    with journals.opened(tmp_path / "j", "q") as journal:
        left = [
            each.left for each in line.run(plan, NAMES, line.in_turn(answer), journal) if isinstance(each, line.Next)
        ]
    assert left[0] == 16
    assert left[-1] <= 2
    assert left == sorted(left, reverse=True)
