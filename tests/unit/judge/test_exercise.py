"""Did the path under test run at all?"""

from __future__ import annotations

import pytest

from fakefs.journal import Entry
from harness.judge.exercise import not_exercised
from harness.scenario import Exercise

KILLED = 1000


def entry(time: int, event: str, operation: str, result: int | None = None) -> Entry:
    return Entry(seq=time, time=time, event=event, operation=operation, path="/held", result=result)


OPENED = (entry(100, "called", "open"), entry(101, "replied", "open", 0))


class TestFileHeld:
    def test_open_at_the_kill(self) -> None:
        assert not_exercised(Exercise.FILE_HELD, "/held", OPENED, KILLED) is None

    @pytest.mark.parametrize(
        "journal",
        [
            (),
            (entry(100, "called", "open"),),
            (entry(101, "replied", "open", -13),),
            (entry(1001, "replied", "open", 0),),
            (entry(101, "replied", "create", -28),),
        ],
        ids=["empty", "never answered", "refused", "after the kill", "another operation"],
    )
    def test_not_open_at_the_kill(self, journal: tuple[Entry, ...]) -> None:
        assert not_exercised(Exercise.FILE_HELD, "/held", journal, KILLED) == "the file was not open at the kill"

    def test_flushed_before_the_kill(self) -> None:
        journal = (*OPENED, entry(500, "replied", "flush", 0))
        assert (
            not_exercised(Exercise.FILE_HELD, "/held", journal, KILLED) == "the file had been flushed before the kill"
        )

    def test_flushed_by_the_kill(self) -> None:
        journal = (*OPENED, entry(1001, "called", "flush"), entry(1002, "replied", "flush", 0))
        assert not_exercised(Exercise.FILE_HELD, "/held", journal, KILLED) is None


class TestFlushServed:
    def test_a_flush_that_came_after_the_kill(self) -> None:
        """Answered or not: it came."""
        journal = (*OPENED, entry(KILLED, "called", "flush"))
        assert not_exercised(Exercise.FLUSH_SERVED, "/held", journal, KILLED) is None

    @pytest.mark.parametrize(
        "journal", [(), OPENED, (*OPENED, entry(999, "replied", "flush", 0)), (entry(1001, "called", "release"),)]
    )
    def test_none_after_the_kill(self, journal: tuple[Entry, ...]) -> None:
        assert not_exercised(Exercise.FLUSH_SERVED, "/held", journal, KILLED) == (
            "the server's journal has no FLUSH from after the kill"
        )


class TestRequestHeld:
    def test_before_the_kill(self) -> None:
        assert not_exercised(Exercise.REQUEST_HELD, "/held", (entry(999, "held", "read"),), KILLED) is None

    @pytest.mark.parametrize("journal", [(), (entry(999, "called", "read"),), (entry(1001, "held", "read"),)])
    def test_not_before_the_kill(self, journal: tuple[Entry, ...]) -> None:
        assert not_exercised(Exercise.REQUEST_HELD, "/held", journal, KILLED) is not None


class TestFlushUnknown:
    def test_enosys_before_the_kill(self) -> None:
        journal = (entry(999, "replied", "flush", -38),)
        assert not_exercised(Exercise.FLUSH_UNKNOWN, "/held", journal, KILLED) is None

    @pytest.mark.parametrize("result", [0, -5, None])
    def test_any_other_answer(self, result: int | None) -> None:
        journal = (entry(999, "replied", "flush", result),)
        assert not_exercised(Exercise.FLUSH_UNKNOWN, "/held", journal, KILLED) is not None


def test_executed_needs_the_flush_of_the_program() -> None:
    assert not_exercised(Exercise.EXECUTED, "/p", (entry(1, "replied", "flush", 0),), KILLED) is None
    assert not_exercised(Exercise.EXECUTED, "/p", (entry(1, "called", "flush"),), KILLED) is not None


def test_what_arming_proved_needs_no_more() -> None:
    assert not_exercised(Exercise.ARMED, "/held", (), KILLED) is None
