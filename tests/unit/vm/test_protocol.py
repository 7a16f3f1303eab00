"""A guest reports in the order in which it was told to work, and no more than that."""

from __future__ import annotations

import pytest

from harness.model.records import Kernel
from harness.run.session import Plan
from harness.vm import protocol, wire
from harness.vm.protocol import Course
from tests.unit.results import result_of, series_of

HELLO = wire.Hello(Kernel("6.1.0", "#1 SMP", "x86_64"), "0.2.0")
NAME = "exit-flush-self"
BEGAN = wire.Began(NAME, 2)
COUNTED = wire.Counted(result_of(NAME))
ENDED = wire.Ended(series_of(NAME, 2))


def followed(*events: wire.Event) -> list[bool]:
    course = Course((NAME,), Plan(times=2))
    return [course.follow(event) for event in events]


def test_what_was_ordered_is_followed_and_only_progress_renews_the_deadline() -> None:
    events = (HELLO, BEGAN, wire.Step("armed"), COUNTED, wire.Said("word"), COUNTED, ENDED, wire.Bye())
    assert followed(*events) == [True, True, False, True, False, True, True, True]


@pytest.mark.parametrize(
    "events",
    [
        (BEGAN,),
        (wire.Bye(),),
        (HELLO, HELLO),
        (HELLO, COUNTED),
        (HELLO, ENDED),
        (HELLO, wire.Step("armed")),
        (HELLO, BEGAN, BEGAN),
        (HELLO, wire.Began("healthy", 2)),
        (HELLO, wire.Began(NAME, 1)),
        (HELLO, BEGAN, COUNTED, COUNTED, COUNTED),
        (HELLO, BEGAN, wire.Ended(series_of("healthy", 2))),
        (HELLO, BEGAN, ENDED, BEGAN),
        (HELLO, BEGAN, ENDED, ENDED),
    ],
    ids=lambda events: " ".join(type(event).__name__ for event in events),
)
def test_anything_else_is_refused(events: tuple[wire.Event, ...]) -> None:
    with pytest.raises(ValueError, match=r"greets|of no scenario|beginning|end of|more than|runs where"):
        followed(*events)


def test_messages_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MESSAGES", 3)
    with pytest.raises(ValueError, match="more than 3 messages"):
        followed(HELLO, *[wire.Said("again")] * 4)
