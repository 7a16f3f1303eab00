"""The journal: whole lines only, of one question only, for one search at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.bisect import journal as journals
from harness.bisect.journal import Step
from harness.bisect.search import Answer, Told
from harness.errors import UsageError

STEPS = [
    Step(Told(number, answer), f"kernel-{number}", "6.1.0", "6.1.0: it says so", 1.5)
    for number, answer in enumerate(Answer)
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "below/journal.jsonl"
    with journals.opened(path, "what is it") as journal:
        for each in STEPS:
            journal.add(each)
    return path


def test_the_answers_are_there_again(file: Path) -> None:
    with journals.opened(file, "what is it") as journal:
        assert journal.steps == STEPS
        assert journal.told(tuple(each.name for each in STEPS)) == [each.told for each in STEPS]
        assert journal.told(("other", "kernel-1")) == [Told(1, STEPS[1].told.answer)]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_was_not_finished_is_cut_off(file: Path, cut: int) -> None:
    file.write_bytes(file.read_bytes()[:-cut])
    for number in (2, 3):
        with journals.opened(file, "what is it") as journal:
            assert journal.steps == STEPS[:number]
            if number == 2:
                journal.add(STEPS[2])


def test_nothing_was_written_but_a_part_of_the_question(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text('{"quest')
    with journals.opened(path, "what is it") as journal:
        journal.add(STEPS[0])
    with journals.opened(path, "what is it") as journal:
        assert journal.steps == STEPS[:1]


def test_the_answers_of_another_question_are_refused(file: Path) -> None:
    with pytest.raises(UsageError, match="journal of another search"), journals.opened(file, "another"):
        pass
    with journals.opened(file, "another", fresh=True) as journal:
        assert journal.steps == []


@pytest.mark.parametrize("text", ["no JSON\n", "[1]\n", '{"question": 1}\n', '{"question": "what is it"}\n{"no": 1}\n'])
def test_what_is_no_journal_is_refused_and_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text(text)
    with pytest.raises(UsageError, match="is no journal"), journals.opened(path, "what is it"):
        pass
    assert path.read_text() == text


def test_two_searches_do_not_share_one(file: Path) -> None:
    with (
        journals.opened(file, "what is it"),
        pytest.raises(UsageError, match="another search writes"),
        journals.opened(file, "what is it"),
    ):
        pass
