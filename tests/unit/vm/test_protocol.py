"""A guest reports in the order in which it was told to work, and no more than that."""

from __future__ import annotations

import pytest

from harness.model.events import Began, Counted, Ended, Killed, Said
from harness.model.records import Kernel
from harness.record import replace
from harness.run.session import SessionOptions
from harness.vm import protocol as protocol_module
from harness.vm import wire
from harness.vm.protocol import GuestProtocol
from tests.unit.results import result_of, series_of

HELLO = wire.Hello(Kernel("6.1.0", "#1 SMP", "x86_64"), "0.2.0")
NAME = "exit-flush-self"
BEGAN = Began(NAME, "hangs", 2)
COUNTED = Counted(result_of(NAME))
ENDED = Ended(series_of(NAME, 2))
SKIPPED = Ended(replace(series_of(NAME, 2), missing=("root",)))


def followed(*events: wire.Line) -> list[bool]:
    protocol = GuestProtocol((NAME,), SessionOptions(times=2))
    return [protocol.follow(event) for event in events]


def test_what_was_ordered_is_followed_and_only_progress_renews_the_deadline() -> None:
    events = (HELLO, BEGAN, Killed(7), COUNTED, Said("word"), COUNTED, ENDED, wire.Bye())
    assert followed(*events) == [True, True, False, True, False, True, True, True]


def test_a_scenario_that_is_skipped_does_not_begin() -> None:
    assert followed(HELLO, SKIPPED, wire.Bye()) == [True, True, True]


@pytest.mark.parametrize(
    "events",
    [
        (BEGAN,),
        (wire.Bye(),),
        (HELLO, HELLO),
        (HELLO, COUNTED),
        (HELLO, ENDED),
        (HELLO, Killed(7)),
        (HELLO, BEGAN, BEGAN),
        (HELLO, Began("healthy", "ends", 2)),
        (HELLO, Began(NAME, "hangs", 1)),
        (HELLO, BEGAN, COUNTED, COUNTED, COUNTED),
        (HELLO, BEGAN, Ended(series_of("healthy", 2))),
        (HELLO, BEGAN, ENDED, BEGAN),
        (HELLO, BEGAN, ENDED, ENDED),
        (HELLO, SKIPPED, SKIPPED),
    ],
    ids=lambda events: " ".join(type(event).__name__ for event in events),
)
def test_anything_else_is_refused(events: tuple[wire.Line, ...]) -> None:
    with pytest.raises(ValueError, match=r"greets|of no scenario|beginning|end of|more than|runs where"):
        followed(*events)


def test_messages_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol_module, "MESSAGES", 3)
    with pytest.raises(ValueError, match="more than 3 messages"):
        followed(HELLO, *[Said("again")] * 4)
